package sandbox_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"

	"bobbin/bots/sandbox"
)

func TestSlackAssistantViewHasThreadsOfItsOwn(t *testing.T) {
	a := newSlackListener(t, sandbox.SlackOptions{Agent: sandbox.SlackAssistantView})
	ctx := t.Context()
	channel, thread, err := a.OpenAssistant("U0ADA", "C0RANDOM")
	if err != nil {
		t.Fatal(err)
	}
	if e := slackEvent[*slackevents.MessageEvent](a); e.SubType != "assistant_app_thread" || e.TimeStamp != thread || e.BotID == "" {
		t.Errorf("the root is %+v", e)
	}
	e := slackEvent[*slackevents.AssistantThreadStartedEvent](a)
	if at := e.AssistantThread; at.UserID != "U0ADA" || at.ChannelID != channel || at.ThreadTimeStamp != thread || at.Context.ChannelID != "C0RANDOM" {
		t.Errorf("the app heard %+v", e)
	}
	if err := a.Look("U0ADA", "C0GENERAL"); err != nil {
		t.Fatal(err)
	}
	if e := slackEvent[*slackevents.AssistantThreadContextChangedEvent](a); e.AssistantThread.ThreadTimeStamp != thread || e.AssistantThread.Context.ChannelID != "C0GENERAL" {
		t.Errorf("then it heard %+v", e)
	}
	prompts := slack.AssistantThreadsSetSuggestedPromptsParameters{ChannelID: channel, ThreadTS: thread, Title: "Try"}
	for _, title := range []string{"1", "2", "3", "4", "5"} {
		prompts.AddPrompt(title, "ask "+title)
	}
	if err := a.api.SetAssistantThreadsSuggestedPromptsContext(ctx, prompts); err != nil {
		t.Fatal(err)
	}
	title, got := a.Prompts(channel, thread)
	if title != "Try" || len(got) != 4 || got[3] != (sandbox.SlackPrompt{Title: "4", Message: "ask 4"}) {
		t.Errorf("people see %q %+v", title, got)
	}
	if err := a.api.SetAssistantThreadsTitleContext(ctx, slack.AssistantThreadsSetTitleParameters{ChannelID: channel, ThreadTS: thread, Title: "Maps"}); err != nil {
		t.Fatal(err)
	}
	if at, ok := a.World().Surface(sandbox.Surface{Kind: "title", In: channel, Thread: thread}); !ok || string(at.Data) != `"Maps"` {
		t.Errorf("the title is %s", at.Data)
	}
	if _, err := a.Say("U0ADA", channel, thread, "hello"); err != nil {
		t.Fatal(err)
	}
	if e := slackEvent[*slackevents.MessageEvent](a); e.ThreadTimeStamp != thread || e.ChannelType != "im" {
		t.Errorf("a message in it is %+v", e)
	}
}

func TestSlackAgentViewIsTheDM(t *testing.T) {
	a := newSlackListener(t, sandbox.SlackOptions{Events: []string{"app_home_opened", "app_context_changed", "message.im"}})
	channel, thread, err := a.OpenAssistant("U0ADA", "C0RANDOM")
	if err != nil || thread != "" {
		t.Fatal(thread, err)
	}
	if e := slackEvent[*slackevents.AppHomeOpenedEvent](a); e.Tab != "messages" || e.Channel != channel || e.Context.Entities[0].Value != "C0RANDOM" {
		t.Errorf("the app heard %+v", e)
	}
	if err := a.Look("U0ADA", "C0GENERAL"); err != nil {
		t.Fatal(err)
	}
	if e := slackEvent[*slackevents.AppContextChangedEvent](a); e.User != "U0ADA" || e.Channel != channel || e.Context.Entities[0].Value != "C0GENERAL" {
		t.Errorf("then it heard %+v", e)
	}
	prompts := slack.AssistantThreadsSetSuggestedPromptsParameters{ChannelID: channel}
	prompts.AddPrompt("Time", "What time is it?")
	if err := a.api.SetAssistantThreadsSuggestedPromptsContext(t.Context(), prompts); err != nil {
		t.Fatal(err)
	}
	if _, got := a.Prompts(channel, ""); len(got) != 1 {
		t.Errorf("people see %+v", got)
	}
	ts, err := a.Say("U0ADA", channel, "", "hello")
	if err != nil {
		t.Fatal(err)
	}
	if e := slackEvent[*slackevents.MessageEvent](a); e.AppContext == nil || e.AppContext.Entities[0].Value != "C0GENERAL" {
		t.Errorf("a message came with %+v", e.AppContext)
	}
	// Not subscribed to agent_session_stopped, there is no Stop, and a warning.
	r, err := a.api.SetAgentSessionStatusContext(t.Context(), slack.AgentSessionSetStatusParameters{Status: "processing", ChannelID: channel, ThreadTS: ts, Title: "Hello"})
	if err != nil || r.AgentStatus != "processing" || r.Title != "Hello" || !slices.Contains(r.ResponseMetadata.Warnings, "missing_agent_session_stopped_event_subscription") {
		t.Errorf("%+v, %v", r, err)
	}
	if err := a.StopStreaming("U0ADA", channel, ts); err == nil {
		t.Error("there is a Stop button that the app would not hear of")
	}
}

func TestSlackSessionIsRenamed(t *testing.T) {
	a := newSlackListener(t, sandbox.SlackOptions{})
	root := a.say("hello")
	at := slack.AgentSessionRenameParameters{Title: "Maps", ChannelID: "C0GENERAL", ThreadTS: root}
	if _, err := a.api.RenameAgentSessionContext(t.Context(), at); slackCode(err) != "session_not_found" {
		t.Errorf("no session was renamed: %v", err)
	}
	for status, code := range map[string]string{"processing": "", "is thinking…": "invalid_arguments"} {
		_, err := a.api.SetAgentSessionStatusContext(t.Context(), slack.AgentSessionSetStatusParameters{Status: status, ChannelID: "C0GENERAL", ThreadTS: root})
		if slackCode(err) != code {
			t.Errorf("status %q gave %v", status, err)
		}
	}
	if _, err := a.api.RenameAgentSessionContext(t.Context(), at); err != nil {
		t.Fatal(err)
	}
	if err := a.RenameSession("U0ADA", "C0GENERAL", root, "Charts"); err != nil {
		t.Fatal(err)
	}
	if e := slackEvent[*slackevents.AgentSessionTitleChangedEvent](a); e.Title != "Charts" || e.PreviousTitle != "Maps" || e.ThreadTimestamp != root {
		t.Errorf("the app heard %+v", e)
	}
	if status, title := a.Session("C0GENERAL", root); status != "processing" || title != "Charts" {
		t.Errorf("it is %q, %q", status, title)
	}
}

func TestSlackAppThatIsNoAgent(t *testing.T) {
	s := newSlackRig(t, sandbox.SlackOptions{Agent: sandbox.SlackNoAgent})
	dm := s.OpenDM("U0ADA")
	ts, err := s.Say("U0ADA", dm, "", "hello")
	if err != nil {
		t.Fatal(err)
	}
	prompts := slack.AssistantThreadsSetSuggestedPromptsParameters{ChannelID: dm, ThreadTS: ts}
	prompts.AddPrompt("a", "b")
	_, session := s.api.SetAgentSessionStatusContext(t.Context(), slack.AgentSessionSetStatusParameters{Status: "active", ChannelID: dm, ThreadTS: ts})
	for name, c := range map[string]struct {
		err  error
		code string
	}{
		"a title":   {s.api.SetAssistantThreadsTitleContext(t.Context(), slack.AssistantThreadsSetTitleParameters{ChannelID: dm, ThreadTS: ts, Title: "x"}), "not_agent_app"},
		"prompts":   {s.api.SetAssistantThreadsSuggestedPromptsContext(t.Context(), prompts), "not_agent_app"},
		"a session": {session, "feature_disabled"},
		"a status":  {s.api.SetAssistantThreadsStatusContext(t.Context(), slack.AssistantThreadsSetStatusParameters{ChannelID: dm, ThreadTS: ts, Status: "is here"}), ""},
	} {
		if slackCode(c.err) != c.code {
			t.Errorf("%s gave %v, want %s", name, c.err, c.code)
		}
	}
	if _, _, err := s.OpenAssistant("U0ADA", ""); err == nil {
		t.Error("people could open its assistant")
	}
}

func TestSlackStatusSaysItsLoadingMessages(t *testing.T) {
	s := newSlackRig(t, sandbox.SlackOptions{})
	ts, err := s.Say("U0ADA", "C0GENERAL", "", "hello")
	if err != nil {
		t.Fatal(err)
	}
	at := slack.AssistantThreadsSetStatusParameters{ChannelID: "C0GENERAL", ThreadTS: ts, Status: "is thinking…", LoadingMessages: []string{"Reading…", "Writing…"}}
	from := s.World().Next()
	if err := s.api.SetAssistantThreadsStatusContext(t.Context(), at); err != nil {
		t.Fatal(err)
	}
	for c := range s.World().Watch(t.Context(), from) {
		if c.Kind != sandbox.Typing || c.Status != at.Status || !slices.Equal(c.Loading, at.LoadingMessages) {
			t.Errorf("people saw %+v", c)
		}
		break
	}
	for name, messages := range map[string][]string{"eleven": strings.Split("abcdefghijk", ""), "a long one": {strings.Repeat("x", 51)}} {
		at.LoadingMessages = messages
		if err := s.api.SetAssistantThreadsStatusContext(t.Context(), at); slackCode(err) != "invalid_arguments" {
			t.Errorf("%s gave %v", name, err)
		}
	}
}
