package sandbox_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"

	"bobbin/bots/sandbox"
)

func slackPlain(text string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, text, false, false)
}

func slackOptions(values ...string) []*slack.OptionBlockObject {
	var list []*slack.OptionBlockObject
	for _, v := range values {
		list = append(list, slack.NewOptionBlockObject(v, slackPlain(strings.ToUpper(v)), nil))
	}
	return list
}

func TestSlackPeopleActOnMessages(t *testing.T) {
	a := newSlackListener(t, sandbox.SlackOptions{})
	root := a.say("hello")
	ts := a.post(slack.MsgOptionTS(root), slack.MsgOptionText("fallback", false), slack.MsgOptionBlocks(
		slack.NewActionBlock("b",
			slack.NewButtonBlockElement("stop", "turn 7", slackPlain("Stop")),
			slack.NewOverflowBlockElement("more", slackOptions("again", "export")...),
			slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, slackPlain("Model"), "model", slackOptions("small", "large")...),
			slack.NewOptionsSelectBlockElement(slack.OptTypeUser, slackPlain("Who"), "who"),
			slack.NewCheckboxGroupsBlockElement("boxes", slackOptions("x", "y", "z")...),
		),
		slack.NewContextActionsBlock("c", slack.NewFeedbackButtonsBlockElement("rate",
			slack.NewFeedbackButton(slackPlain("Good"), "up"), slack.NewFeedbackButton(slackPlain("Bad"), "down")),
			slack.NewIconButtonBlockElement("trash", slackPlain("Delete"), "delete"))))
	acted := func(err error) slack.BlockAction {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		i := a.act()
		if i.Type != slack.InteractionTypeBlockActions || i.User.ID != "U0ADA" || i.Channel.ID != "C0GENERAL" || i.TriggerID == "" || i.ResponseURL == "" ||
			i.Message.Timestamp != ts || i.Container.MessageTs != ts || i.Container.ThreadTs != root || i.Container.ChannelID != "C0GENERAL" {
			t.Errorf("the app got %+v", i)
		}
		if len(i.ActionCallback.BlockActions) != 1 {
			t.Fatalf("it got %d actions", len(i.ActionCallback.BlockActions))
		}
		return *i.ActionCallback.BlockActions[0]
	}
	if got := acted(a.Press("U0ADA", "C0GENERAL", ts, "stop")); got.Value != "turn 7" || got.BlockID != "b" || got.ActionTs == "" || got.Type != "button" {
		t.Errorf("Stop gave %+v", got)
	}
	if got := acted(a.Press("U0ADA", "C0GENERAL", ts, "delete")); got.Type != "icon_button" {
		t.Errorf("the icon gave %+v", got)
	}
	if got := acted(a.Choose("U0ADA", "C0GENERAL", ts, "more", "export")); got.SelectedOption.Value != "export" {
		t.Errorf("the overflow menu gave %+v", got)
	}
	if got := acted(a.Choose("U0ADA", "C0GENERAL", ts, "model", "large")); got.SelectedOption.Value != "large" || got.SelectedOption.Text.Text != "LARGE" {
		t.Errorf("the menu gave %+v", got)
	}
	if got := acted(a.Choose("U0ADA", "C0GENERAL", ts, "who", "U0GRACE")); got.SelectedUser != "U0GRACE" {
		t.Errorf("the menu of people gave %+v", got)
	}
	if got := acted(a.Choose("U0ADA", "C0GENERAL", ts, "boxes", "x", "z")); len(got.SelectedOptions) != 2 || got.SelectedOptions[1].Value != "z" {
		t.Errorf("the boxes gave %+v", got)
	}
	if got := acted(a.Choose("U0ADA", "C0GENERAL", ts, "rate", "negative")); got.Value != "down" || got.Type != "feedback_buttons" {
		t.Errorf("the feedback gave %+v", got)
	}
	// What stands in the other elements comes along.
	if err := a.Press("U0ADA", "C0GENERAL", ts, "stop"); err != nil {
		t.Fatal(err)
	}
	if i := a.act(); i.BlockActionState.Values["b"]["model"].SelectedOption.Value != "large" {
		t.Errorf("the state is %+v", i.BlockActionState)
	}
	for name, err := range map[string]error{
		"a missing button":   a.Press("U0ADA", "C0GENERAL", ts, "nothing"),
		"a menu pressed":     a.Press("U0ADA", "C0GENERAL", ts, "model"),
		"a missing option":   a.Choose("U0ADA", "C0GENERAL", ts, "model", "huge"),
		"two of one":         a.Choose("U0ADA", "C0GENERAL", ts, "model", "small", "large"),
		"a button chosen":    a.Choose("U0ADA", "C0GENERAL", ts, "stop", "x"),
		"the bot's own hand": a.Press("U0BOBBIN", "C0GENERAL", ts, "stop"),
		"a missing message":  a.Press("U0ADA", "C0GENERAL", "1.000001", "stop"),
	} {
		if err == nil || errors.Is(err, sandbox.ErrSlackDispatch) {
			t.Errorf("%s gave %v", name, err)
		}
	}
}

func TestSlackAnswersToAPressChangeItsMessage(t *testing.T) {
	a := newSlackListener(t, sandbox.SlackOptions{})
	ctx := t.Context()
	button := slack.MsgOptionBlocks(slack.NewActionBlock("", slack.NewButtonBlockElement("go", "", slackPlain("Go"))))
	public := a.post(button)
	private, err := a.api.PostEphemeralContext(ctx, "C0GENERAL", "U0ADA", button)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Press("U0GRACE", "C0GENERAL", private, "go"); err == nil {
		t.Error("Grace could press what only Ada sees")
	}
	for _, ts := range []string{public, private} {
		if err := a.Press("U0ADA", "C0GENERAL", ts, "go"); err != nil {
			t.Fatal(err)
		}
		i := a.act()
		if ephemeral := ts == private; i.Container.IsEphemeral != ephemeral || (i.Message.Timestamp == "") != ephemeral {
			t.Errorf("the app got %+v", i)
		}
		if i.ActionCallback.BlockActions[0].BlockID == "" {
			t.Error("the block has no id")
		}
		respond := func(more ...slack.MsgOption) {
			t.Helper()
			if _, _, err := a.api.PostMessageContext(ctx, "C0GENERAL", append(more, slack.MsgOptionResponseURL(i.ResponseURL, ""))...); err != nil {
				t.Fatal(err)
			}
		}
		respond(slack.MsgOptionReplaceOriginal(i.ResponseURL), slack.MsgOptionText("gone", false))
		if m := a.message(ts); m.Text != "gone" || m.Blocks != "" {
			t.Errorf("replaced it is %+v", m)
		}
		respond(slack.MsgOptionDeleteOriginal(i.ResponseURL))
		if _, ok := a.World().Message("C0GENERAL", ts); ok {
			t.Error("it stands after it was deleted")
		}
	}
	// Of the public message the app hears, of the other nobody does.
	if e := slackEvent[*slackevents.MessageEvent](a); e.SubType != "message_changed" {
		t.Errorf("first came %+v", e)
	}
	if e := slackEvent[*slackevents.MessageEvent](a); e.SubType != "message_deleted" || e.DeletedTimeStamp != public {
		t.Errorf("then came %+v", e)
	}
	a.say("the next event")
}

func TestSlackMenuOffersWhatTheAppGives(t *testing.T) {
	a := newSlackListener(t, sandbox.SlackOptions{})
	a.answers(func(i slack.InteractionCallback) any {
		if i.Type == slack.InteractionTypeBlockSuggestion && i.ActionID == "model" && i.Value == "gl" {
			return slack.OptionsResponse{Options: slackOptions("glm", "glow")}
		}
		return nil
	})
	ts := a.post(slack.MsgOptionBlocks(slack.NewActionBlock("b",
		slack.NewOptionsSelectBlockElement(slack.OptTypeExternal, slackPlain("Model"), "model"))))
	if err := a.Choose("U0ADA", "C0GENERAL", ts, "model", "glm"); err == nil {
		t.Error("an option could be chosen that was never offered")
	}
	options, err := a.Suggest("U0ADA", "C0GENERAL", ts, "model", "gl")
	if err != nil || !slices.Equal(options, []sandbox.SlackOption{{Text: "GLM", Value: "glm"}, {Text: "GLOW", Value: "glow"}}) {
		t.Fatalf("%v, %v", options, err)
	}
	a.act()
	if err := a.Choose("U0ADA", "C0GENERAL", ts, "model", "glow"); err != nil {
		t.Fatal(err)
	}
	if i := a.act(); i.ActionCallback.BlockActions[0].SelectedOption.Value != "glow" {
		t.Errorf("the app got %+v", i.ActionCallback.BlockActions[0])
	}
}

func TestSlackShortcuts(t *testing.T) {
	a := newSlackListener(t, sandbox.SlackOptions{})
	a.Forbid("C0RANDOM", "not_in_channel")
	ts, err := a.Say("U0GRACE", "C0RANDOM", "", "what does this mean?")
	if err != nil {
		t.Fatal(err)
	}
	if err := a.MessageShortcut("U0ADA", "C0RANDOM", ts, "explain"); err != nil {
		t.Fatal(err)
	}
	i := a.act()
	if i.Type != slack.InteractionTypeMessageAction || i.CallbackID != "explain" || i.Message.Text != "what does this mean?" || i.MessageTs != ts ||
		i.Message.User != "U0GRACE" || i.User.ID != "U0ADA" || i.Channel.ID != "C0RANDOM" || i.TriggerID == "" || i.ResponseURL == "" || i.ActionTs == "" {
		t.Errorf("of the message the app got %+v", i)
	}
	if err := a.Shortcut("U0ADA", "ask"); err != nil {
		t.Fatal(err)
	}
	if i := a.act(); i.Type != slack.InteractionTypeShortcut || i.CallbackID != "ask" || i.TriggerID == "" || i.Channel.ID != "" {
		t.Errorf("of the workspace it got %+v", i)
	}
	if err := a.MessageShortcut("U0ADA", "C0RANDOM", "1.000001", "explain"); err == nil {
		t.Error("a message that is not there has a menu")
	}
}

func TestSlackPressFailsAsPeopleSee(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlackRig(t, sandbox.SlackOptions{PingInterval: -1})
		if err := s.Shortcut("U0ADA", "ask"); !errors.Is(err, sandbox.ErrSlackDispatch) {
			t.Errorf("without an app: %v", err)
		}
		in := s.connect(t, slackNoAck)
		start := time.Now()
		if err := s.Shortcut("U0ADA", "ask"); !errors.Is(err, sandbox.ErrSlackTimeout) || time.Since(start) != 3*time.Second {
			t.Errorf("without an ack: %v after %s", err, time.Since(start))
		}
		in.stop()
	})
}

func TestSlackActsOverHTTP(t *testing.T) {
	got := make(chan slack.InteractionCallback, 1)
	p := newSlackPipe()
	client := p.serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		i, err := slack.InteractionCallbackParse(r)
		if err != nil {
			t.Error(err)
		}
		got <- i
	}))
	s := newSlackRig(t, sandbox.SlackOptions{InteractionsURL: "http://app.test/", HTTPClient: client})
	if err := s.Shortcut("U0ADA", "ask"); err != nil {
		t.Fatal(err)
	}
	if i := <-got; i.CallbackID != "ask" {
		t.Errorf("the app got %+v", i)
	}
}
