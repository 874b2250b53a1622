package sandbox_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"

	"bobbin/bots/sandbox"
)

// slackTo are the options of a stream that Ada gets in a thread.
func slackTo(thread string, more ...slack.MsgOption) []slack.MsgOption {
	return append([]slack.MsgOption{
		slack.MsgOptionTS(thread), slack.MsgOptionRecipientTeamID("T0SANDBOX"), slack.MsgOptionRecipientUserID("U0ADA"),
	}, more...)
}

// slackBlocksOf returns the blocks of a message in short: type and text, or title.
func slackBlocksOf(t *testing.T, m sandbox.Message) []string {
	t.Helper()
	var blocks []struct {
		Type, Title, Status string
		Text                any
		Tasks               []struct{ Title, Status string }
	}
	if err := json.Unmarshal([]byte(m.Blocks), &blocks); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, b := range blocks {
		line := b.Type
		if s, ok := b.Text.(string); ok {
			line += " " + s
		}
		if b.Title != "" {
			line += " " + b.Title
		}
		if b.Status != "" {
			line += " " + b.Status
		}
		for _, task := range b.Tasks {
			line += " (" + task.Title + " " + task.Status + ")"
		}
		out = append(out, line)
	}
	return out
}

func TestSlackStreamGrowsAndIsStopped(t *testing.T) {
	a := newSlackListener(t, sandbox.SlackOptions{})
	ctx := t.Context()
	root := a.say("hello")
	_, ts, err := a.api.StartStreamContext(ctx, "C0GENERAL", slackTo(root, slack.MsgOptionMarkdownText("One "))...)
	if err != nil {
		t.Fatal(err)
	}
	if e := slackEvent[*slackevents.MessageEvent](a); e.TimeStamp != ts || e.ThreadTimeStamp != root {
		t.Errorf("the start told of %+v", e)
	}
	if _, _, err := a.api.AppendStreamContext(ctx, "C0GENERAL", ts, slack.MsgOptionMarkdownText("two.")); err != nil {
		t.Fatal(err)
	}
	if m := a.message(ts); !m.Streaming || m.Text != "One two." || m.Thread != root {
		t.Errorf("while it grows it is %+v", m)
	}
	if _, _, _, err := a.api.UpdateMessageContext(ctx, "C0GENERAL", ts, slack.MsgOptionText("x", false)); slackCode(err) != "streaming_state_conflict" {
		t.Errorf("an update of a live stream gave %v", err)
	}
	blocks := slack.MsgOptionBlocks(slack.NewContextActionsBlock("rate", slack.NewFeedbackButtonsBlockElement("rate",
		slack.NewFeedbackButton(slack.NewTextBlockObject("plain_text", "Good", false, false), "up"),
		slack.NewFeedbackButton(slack.NewTextBlockObject("plain_text", "Bad", false, false), "down"))))
	_, _, err = a.api.StopStreamContext(ctx, "C0GENERAL", ts, slack.MsgOptionMarkdownText(" Three."), blocks,
		slack.MsgOptionMetadata(slack.SlackMetadata{EventType: "turn", EventPayload: map[string]any{"id": "7"}}))
	if err != nil {
		t.Fatal(err)
	}
	m := a.message(ts)
	if got := slackBlocksOf(t, m); m.Streaming || !slices.Equal(got, []string{"markdown One two. Three.", "context_actions"}) || !strings.Contains(m.Key, `"turn"`) {
		t.Errorf("at its end it is %+v", m)
	}
	if e := slackEvent[*slackevents.MessageEvent](a); e.SubType != "message_changed" || e.Message.Text != "One two. Three." {
		t.Errorf("the end told of %+v", e)
	}
	for name, err := range map[string]error{
		"append": second(a.api.AppendStreamContext(ctx, "C0GENERAL", ts, slack.MsgOptionMarkdownText("x"))),
		"stop":   second(a.api.StopStreamContext(ctx, "C0GENERAL", ts)),
	} {
		if slackCode(err) != "message_not_in_streaming_state" {
			t.Errorf("%s after the stop gave %v", name, err)
		}
	}
	if _, _, _, err := a.api.UpdateMessageContext(ctx, "C0GENERAL", ts, slack.MsgOptionText("x", false)); err != nil {
		t.Errorf("an update after the stop gave %v", err)
	}
	if err := a.Press("U0ADA", "C0GENERAL", ts, "rate"); err == nil {
		t.Error("feedback that an update took away could be given")
	}
}

func second(_, _ string, err error) error { return err }

func TestSlackStreamShowsTasks(t *testing.T) {
	task := func(id, title string, status slack.TaskCardStatus, details string) slack.StreamChunk {
		c := slack.NewTaskUpdateChunk(id, title)
		c.Status, c.Details = status, details
		return c
	}
	for mode, want := range map[slack.TaskDisplayMode][]string{
		slack.TaskDisplayModeTimeline: {"markdown Let me see.", "task_card Searched complete", "task_card Reading pending", "markdown Found.", "divider"},
		slack.TaskDisplayModePlan:     {"plan The plan (Searched complete) (Reading pending)", "markdown Let me see.", "markdown Found.", "divider"},
	} {
		t.Run(string(mode), func(t *testing.T) {
			a := newSlackListener(t, sandbox.SlackOptions{})
			root := a.say("hello")
			_, ts, err := a.api.StartStreamContext(t.Context(), "C0GENERAL", slackTo(root, slack.MsgOptionTaskDisplayMode(mode),
				slack.MsgOptionChunks(slack.NewMarkdownTextChunk("Let me see."), task("1", "Searching", slack.TaskCardStatusInProgress, "a")))...)
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = a.api.AppendStreamContext(t.Context(), "C0GENERAL", ts, slack.MsgOptionChunks(
				task("1", "Searched", slack.TaskCardStatusComplete, "b"), task("2", "Reading", "", ""), slack.NewPlanUpdateChunk("The plan"),
				slack.NewMarkdownTextChunk("Found."), slack.NewBlocksChunk(slack.NewDividerBlock())))
			if err != nil {
				t.Fatal(err)
			}
			m := a.message(ts)
			// In a plan the two runs of text stand together but stay two.
			if got := slackBlocksOf(t, m); !slices.Equal(got, want) {
				t.Errorf("it shows %q, want %q", got, want)
			}
			if !strings.Contains(m.Blocks, `"text":"ab"`) {
				t.Errorf("the details were not added up: %s", m.Blocks)
			}
		})
	}
}

func TestSlackStreamRefusesAsSlackDoes(t *testing.T) {
	s := newSlackRig(t, sandbox.SlackOptions{NoLimits: true})
	ctx := t.Context()
	root, err := s.Say("U0ADA", "C0GENERAL", "", "hello")
	if err != nil {
		t.Fatal(err)
	}
	dm := s.OpenDM("U0ADA")
	inDM, err := s.Say("U0ADA", dm, "", "hello")
	if err != nil {
		t.Fatal(err)
	}
	text, chunks := slack.MsgOptionMarkdownText("x"), slack.MsgOptionChunks(slack.NewMarkdownTextChunk("x"))
	long := slack.MsgOptionMarkdownText(strings.Repeat("é", 12_001))
	to := slackTo(root)
	for _, c := range []struct {
		name, channel, code string
		options             []slack.MsgOption
	}{
		{"no thread", "C0GENERAL", "invalid_arguments", to[1:]},
		{"an unknown thread", "C0GENERAL", "invalid_thread_ts", slackTo("1.000001")},
		{"a thread that is none", "C0GENERAL", "invalid_thread_ts", slackTo("x")},
		{"an unknown channel", "C9", "channel_not_found", to},
		{"no recipient", "C0GENERAL", "missing_recipient_team_id", to[:1]},
		{"no user of the recipient", "C0GENERAL", "missing_recipient_user_id", to[:2]},
		{"text and chunks", "C0GENERAL", "cannot_provide_both_markdown_text_and_chunks", append(slackTo(root), text, chunks)},
		{"too much", "C0GENERAL", "msg_too_long", slackTo(root, long)},
		{"a display mode that is none", "C0GENERAL", "invalid_arguments", slackTo(root, slack.MsgOptionTaskDisplayMode("x"))},
		{"a task without title", "C0GENERAL", "invalid_chunks", slackTo(root, slack.MsgOptionChunks(slack.NewTaskUpdateChunk("1", "")))},
		{"a DM without recipient", dm, "", []slack.MsgOption{slack.MsgOptionTS(inDM)}},
	} {
		if _, _, err := s.api.StartStreamContext(ctx, c.channel, c.options...); slackCode(err) != c.code {
			t.Errorf("%s gave %v, want %s", c.name, err, c.code)
		}
	}
	_, ts, err := s.api.StartStreamContext(ctx, "C0GENERAL", slackTo(root, chunks)...)
	if err != nil {
		t.Fatal(err)
	}
	_, plain, err := s.api.PostMessageContext(ctx, "C0GENERAL", slack.MsgOptionText("x", false))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, ts, code string
		option         slack.MsgOption
	}{
		{"text to chunks", ts, "streaming_mode_mismatch", text},
		{"nothing", ts, "no_text", slack.MsgOptionChunks()},
		{"no stream", plain, "message_not_in_streaming_state", text},
		{"a person's message", root, "message_not_owned_by_app", text},
		{"no message", "1.000001", "message_not_found", text},
		{"most that it holds", ts, "", slack.MsgOptionChunks(slack.NewMarkdownTextChunk(strings.Repeat("x", 11_999)))},
		{"one more", ts, "msg_too_long", chunks},
	} {
		if _, _, err := s.api.AppendStreamContext(ctx, "C0GENERAL", c.ts, c.option); slackCode(err) != c.code {
			t.Errorf("appending %s gave %v, want %s", c.name, err, c.code)
		}
	}
}

func TestSlackStreamEndsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlackRig(t, sandbox.SlackOptions{PingInterval: -1})
		root, err := s.Say("U0ADA", "C0GENERAL", "", "hello")
		if err != nil {
			t.Fatal(err)
		}
		_, ts, err := s.api.StartStreamContext(t.Context(), "C0GENERAL", slackTo(root, slack.MsgOptionMarkdownText("x"))...)
		if err != nil {
			t.Fatal(err)
		}
		for range 5 { // being used does not keep it alive
			time.Sleep(time.Minute)
			if _, _, err := s.api.AppendStreamContext(t.Context(), "C0GENERAL", ts, slack.MsgOptionMarkdownText("x")); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(7 * time.Second)
		if _, _, err := s.api.AppendStreamContext(t.Context(), "C0GENERAL", ts, slack.MsgOptionMarkdownText("x")); slackCode(err) != "message_not_in_streaming_state" {
			t.Errorf("an append to a stream that has ended gave %v", err)
		}
		if m, _ := s.World().Message("C0GENERAL", ts); m.Streaming || m.Text != "xxxxxx" {
			t.Errorf("it stands as %+v", m)
		}
		if _, _, _, err := s.api.UpdateMessageContext(t.Context(), "C0GENERAL", ts, slack.MsgOptionMarkdownText("whole")); err != nil {
			t.Errorf("an update of it gave %v", err)
		}
	})
}

func TestSlackStopButtonEndsStreamsAndTellsTheApp(t *testing.T) {
	a := newSlackListener(t, sandbox.SlackOptions{})
	root := a.say("hello")
	if err := a.StopStreaming("U0ADA", "C0GENERAL", root); err == nil {
		t.Error("there was a Stop button before there was anything to stop")
	}
	_, ts, err := a.api.StartStreamContext(t.Context(), "C0GENERAL", slackTo(root, slack.MsgOptionMarkdownText("x"))...)
	if err != nil {
		t.Fatal(err)
	}
	slackEvent[*slackevents.MessageEvent](a)
	if err := a.StopStreaming("U0ADA", "C0GENERAL", root); err != nil {
		t.Fatal(err)
	}
	e := slackEvent[*slackevents.AgentSessionStoppedEvent](a)
	if e.Channel != "C0GENERAL" || e.ThreadTimestamp != root || e.User != "U0ADA" || !slices.Equal(e.StreamingMessageTimestamps, []string{ts}) {
		t.Errorf("the app heard %+v", e)
	}
	if _, _, err := a.api.AppendStreamContext(t.Context(), "C0GENERAL", ts, slack.MsgOptionMarkdownText("y")); slackCode(err) != "stopped_by_user" {
		t.Errorf("an append after Stop gave %v", err)
	}
	if status, _ := a.Session("C0GENERAL", root); status != "processing" {
		t.Errorf("Slack itself made the session %q", status)
	}
	r, err := a.api.SetAgentSessionStatusContext(t.Context(), slack.AgentSessionSetStatusParameters{Status: "active", ChannelID: "C0GENERAL", ThreadTS: root})
	if err != nil || r.Status != "active" {
		t.Fatalf("%+v, %v", r, err)
	}
	if err := a.StopStreaming("U0ADA", "C0GENERAL", root); err == nil {
		t.Error("there was a Stop button after the end")
	}
}
