package sandbox_test

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"

	"bobbin/bots/sandbox"
)

// slackForm is a modal with one question.
func slackForm(callback string) slack.ModalViewRequest {
	text := slack.NewPlainTextInputBlockElement(nil, "text")
	text.MinLength = 3
	return slack.ModalViewRequest{
		Type: slack.VTModal, Title: slackPlain("Ask"), Submit: slackPlain("Ask"), CallbackID: callback, PrivateMetadata: "C0GENERAL", NotifyOnClose: true,
		Blocks: slack.Blocks{BlockSet: []slack.Block{
			slack.NewInputBlock("question", slackPlain("Question"), nil, text),
			slack.NewInputBlock("model", slackPlain("Model"), nil, slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, nil, "model", slackOptions("small", "large")...)),
		}},
	}
}

func (a *slackListener) trigger() string {
	a.t.Helper()
	if err := a.Shortcut("U0ADA", "ask"); err != nil {
		a.t.Fatal(err)
	}
	return a.act().TriggerID
}

func TestSlackModalIsFilledInAndSubmitted(t *testing.T) {
	a := newSlackListener(t, sandbox.SlackOptions{})
	opened, err := a.api.OpenViewContext(t.Context(), a.trigger(), slackForm("ask"))
	if err != nil {
		t.Fatal(err)
	}
	if v, ok := a.Modal("U0ADA"); !ok || v.ID != opened.ID || v.Title != "Ask" || v.CallbackID != "ask" {
		t.Errorf("Ada sees %+v", v)
	}
	var form *sandbox.SlackFormError
	if err := a.Submit("U0ADA", map[string]string{"text": "hm"}); !errors.As(err, &form) ||
		!maps.Equal(form.Blocks, map[string]string{"question": "At least 3 characters are needed.", "model": "This is a required field."}) {
		t.Errorf("an incomplete form gave %v", err)
	}
	a.answers(func(slack.InteractionCallback) any {
		return slack.NewErrorsViewSubmissionResponse(map[string]string{"question": "Too dull."})
	})
	if err := a.Submit("U0ADA", map[string]string{"text": "why?", "model": "large"}); !errors.As(err, &form) || form.Blocks["question"] != "Too dull." {
		t.Errorf("a dull question gave %v", err)
	}
	a.act()
	a.answers(func(slack.InteractionCallback) any { return nil })
	if err := a.Submit("U0ADA", map[string]string{"text": "why not?"}); err != nil {
		t.Fatal(err)
	}
	i := a.act()
	if i.Type != slack.InteractionTypeViewSubmission || i.View.CallbackID != "ask" || i.View.PrivateMetadata != "C0GENERAL" || i.User.ID != "U0ADA" ||
		i.View.State.Values["question"]["text"].Value != "why not?" || i.View.State.Values["model"]["model"].SelectedOption.Value != "large" {
		t.Errorf("the app got %+v", i)
	}
	if v, ok := a.Modal("U0ADA"); ok {
		t.Errorf("after it was accepted %+v stands there", v)
	}
	if got := a.World().Surfaces(); len(got) != 0 {
		t.Errorf("people see %+v", got)
	}
}

func TestSlackModalsStackUp(t *testing.T) {
	a := newSlackListener(t, sandbox.SlackOptions{})
	ctx := t.Context()
	if _, err := a.api.OpenViewContext(ctx, a.trigger(), slackForm("one")); err != nil {
		t.Fatal(err)
	}
	next := slackForm("two")
	a.answers(func(i slack.InteractionCallback) any {
		if i.Type == slack.InteractionTypeViewSubmission {
			return slack.NewPushViewSubmissionResponse(&next)
		}
		return nil
	})
	fill := map[string]string{"text": "why?", "model": "small"}
	if err := a.Submit("U0ADA", fill); err != nil {
		t.Fatal(err)
	}
	trigger := a.act().TriggerID
	if _, err := a.api.PushViewContext(ctx, trigger, slackForm("three")); err != nil {
		t.Fatal(err)
	}
	if err := a.Submit("U0ADA", fill); !errors.Is(err, sandbox.ErrSlackDispatch) {
		t.Errorf("a fourth modal gave %v", err)
	}
	if _, err := a.api.PushViewContext(ctx, a.act().TriggerID, slackForm("four")); slackCode(err) != "push_limit_reached" {
		t.Errorf("pushing a fourth gave %v", err)
	}
	if err := a.CloseModal("U0ADA"); err != nil {
		t.Fatal(err)
	}
	if i := a.act(); i.Type != slack.InteractionTypeViewClosed || i.View.CallbackID != "three" || i.IsCleared {
		t.Errorf("closing gave %+v", i)
	}
	v, _ := a.Modal("U0ADA")
	if v.CallbackID != "two" {
		t.Fatalf("below it stands %+v", v)
	}
	changed := slackForm("changed")
	changed.Title = slackPlain("Ask again")
	updated, err := a.api.UpdateViewContext(ctx, changed, "", "", v.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.api.UpdateViewContext(ctx, changed, "", "old", v.ID); slackCode(err) != "hash_conflict" {
		t.Errorf("an update of an old state gave %v", err)
	}
	if _, err := a.api.UpdateViewContext(ctx, changed, "", updated.Hash, v.ID); err != nil {
		t.Errorf("an update of the newest gave %v", err)
	}
	if v, _ := a.Modal("U0ADA"); v.Title != "Ask again" {
		t.Errorf("updated it is %+v", v)
	}
	a.answers(func(slack.InteractionCallback) any { return slack.NewClearViewSubmissionResponse() })
	if err := a.Submit("U0ADA", fill); err != nil {
		t.Fatal(err)
	}
	if v, ok := a.Modal("U0ADA"); ok {
		t.Errorf("after all were cleared %+v stands there", v)
	}
	if _, err := a.api.UpdateViewContext(ctx, changed, "", "", v.ID); slackCode(err) != "not_found" {
		t.Errorf("an update of what is closed gave %v", err)
	}
}

func TestSlackTriggersAreUsedOnceAndSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newSlackListener(t, sandbox.SlackOptions{PingInterval: -1, NoLimits: true})
		trigger := a.trigger()
		if _, err := a.api.OpenViewContext(t.Context(), trigger, slackForm("one")); err != nil {
			t.Fatal(err)
		}
		if _, err := a.api.OpenViewContext(t.Context(), trigger, slackForm("one")); slackCode(err) != "exchanged_trigger_id" {
			t.Errorf("the second use gave %v", err)
		}
		trigger = a.trigger()
		time.Sleep(3*time.Second + 1)
		if _, err := a.api.OpenViewContext(t.Context(), trigger, slackForm("one")); slackCode(err) != "expired_trigger_id" {
			t.Errorf("the late use gave %v", err)
		}
		if _, err := a.api.OpenViewContext(t.Context(), "x", slackForm("one")); slackCode(err) != "invalid_trigger_id" {
			t.Errorf("an invented one gave %v", err)
		}
		for name, spoil := range map[string]func(*slack.ModalViewRequest){
			"a long title":  func(v *slack.ModalViewRequest) { v.Title = slackPlain(strings.Repeat("x", 25)) },
			"no title":      func(v *slack.ModalViewRequest) { v.Title = nil },
			"no submit":     func(v *slack.ModalViewRequest) { v.Submit = nil },
			"long metadata": func(v *slack.ModalViewRequest) { v.PrivateMetadata = strings.Repeat("x", 3001) },
			"Markdown": func(v *slack.ModalViewRequest) {
				v.Blocks.BlockSet = append(v.Blocks.BlockSet, slack.NewMarkdownBlock("", "x"))
			},
		} {
			v := slackForm("one")
			spoil(&v)
			if _, err := a.api.OpenViewContext(t.Context(), a.trigger(), v); slackCode(err) != "invalid_arguments" {
				t.Errorf("%s gave %v", name, err)
			}
		}
	})
}

func TestSlackHome(t *testing.T) {
	a := newSlackListener(t, sandbox.SlackOptions{})
	ctx := t.Context()
	if _, ok, err := a.OpenHome("U0ADA"); ok || err != nil {
		t.Fatalf("something stands there: %v", err)
	}
	e := slackEvent[*slackevents.AppHomeOpenedEvent](a)
	if e.Tab != "home" || e.User != "U0ADA" || e.Channel != "D0ADA" || e.View != nil {
		t.Errorf("the app heard %+v", e)
	}
	home := slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: []slack.Block{
		slack.NewSectionBlock(slack.NewTextBlockObject("mrkdwn", "*Hello*", false, false), nil, slack.NewAccessory(slack.NewButtonBlockElement("start", "v", slackPlain("Start")))),
	}}}
	if _, err := a.api.PublishViewContext(ctx, slack.PublishViewContextRequest{UserID: "U0ADA", View: home}); err != nil {
		t.Fatal(err)
	}
	v, ok, err := a.OpenHome("U0ADA")
	if !ok || err != nil || !strings.Contains(v.Blocks, "*Hello*") {
		t.Fatalf("Ada sees %+v, %v", v, err)
	}
	if e := slackEvent[*slackevents.AppHomeOpenedEvent](a); e.View == nil || e.View.ID != v.ID {
		t.Errorf("then it heard %+v", e)
	}
	if err := a.Press("U0ADA", "", v.ID, "start"); err != nil {
		t.Fatal(err)
	}
	i := a.act()
	if i.View.ID != v.ID || i.View.Type != "home" || i.Container.Type != "view" || i.ActionCallback.BlockActions[0].Value != "v" || i.TriggerID == "" {
		t.Errorf("the button gave %+v", i)
	}
	if err := a.Press("U0GRACE", "", v.ID, "start"); err == nil {
		t.Error("Grace could press in Ada's home")
	}
	hash := "old"
	if _, err := a.api.PublishViewContext(ctx, slack.PublishViewContextRequest{UserID: "U0ADA", View: home, Hash: &hash}); slackCode(err) != "hash_conflict" {
		t.Errorf("an old hash gave %v", err)
	}
	if dm, err := a.OpenMessages("U0GRACE"); err != nil || dm != "D0GRACE" {
		t.Fatal(dm, err)
	}
	if e := slackEvent[*slackevents.AppHomeOpenedEvent](a); e.Tab != "messages" || e.User != "U0GRACE" {
		t.Errorf("of the messages it heard %+v", e)
	}
}
