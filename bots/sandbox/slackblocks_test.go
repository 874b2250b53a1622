package sandbox_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"bobbin/bots/sandbox"
)

// call calls a method with what slack-go would not let through, and returns the error.
func (r *slackRig) call(t *testing.T, method string, form url.Values) string {
	t.Helper()
	code, _ := r.refusal(t, method, form)
	return code
}

// refusal calls a method and returns the error and what more is said of it.
func (r *slackRig) refusal(t *testing.T, method string, form url.Values) (code, more string) {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://slack.test/api/"+method, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	q.Header.Set("Authorization", "Bearer "+r.Options().BotToken)
	answer, err := r.client.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	var body struct {
		Error    string
		Metadata struct{ Messages []string } `json:"response_metadata"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}
	if body.Error == "invalid_blocks" && len(body.Metadata.Messages) == 0 {
		t.Error("what is wrong with the blocks is not said")
	}
	return body.Error, strings.Join(body.Metadata.Messages, "\n")
}

func TestSlackRefusesBlocksAsSlackDoes(t *testing.T) {
	s := newSlackRig(t, sandbox.SlackOptions{NoLimits: true})
	for name, c := range map[string]struct{ blocks, code string }{
		"a button without text": {`[{"type":"actions","elements":[{"type":"button","action_id":"a"}]}]`, "invalid_blocks"},
		"a long label":          {`[{"type":"actions","elements":[{"type":"button","text":{"type":"plain_text","text":"` + strings.Repeat("x", 76) + `"}}]}]`, "invalid_blocks"},
		"an odd style":          {`[{"type":"actions","elements":[{"type":"button","style":"loud","text":{"type":"plain_text","text":"x"}}]}]`, "invalid_blocks"},
		"one action_id twice":   {`[{"type":"actions","elements":[{"type":"button","action_id":"a","text":{"type":"plain_text","text":"x"}},{"type":"button","action_id":"a","text":{"type":"plain_text","text":"x"}}]}]`, "invalid_blocks"},
		"one block_id twice":    {`[{"type":"divider","block_id":"a"},{"type":"divider","block_id":"a"}]`, "invalid_blocks"},
		"an input":              {`[{"type":"input","label":{"type":"plain_text","text":"x"},"element":{"type":"plain_text_input"}}]`, "invalid_blocks"},
		"an unknown block":      {`[{"type":"marquee"}]`, "invalid_blocks"},
		"an empty menu":         {`[{"type":"actions","elements":[{"type":"static_select","options":[]}]}]`, "invalid_blocks"},
		"feedback in a section": {`[{"type":"section","text":{"type":"mrkdwn","text":"x"},"accessory":{"type":"feedback_buttons"}}]`, "invalid_blocks"},
		"a picture unnamed":     {`[{"type":"image","image_url":"https://a.b/c.png"}]`, "invalid_blocks"},
		"two tables":            {`[{"type":"table","rows":[[{"type":"raw_text","text":"x"}]]},{"type":"table","rows":[[{"type":"raw_text","text":"x"}]]}]`, "invalid_attachments"},
		"no list":               {`{}`, "invalid_blocks_format"},
		"all that is well":      {`[{"type":"header","text":{"type":"plain_text","text":"x"}},{"type":"context","elements":[{"type":"mrkdwn","text":"x"}]},{"type":"task_card","task_id":"1","title":"x"},{"type":"plan","title":"x","tasks":[]}]`, ""},
	} {
		if got := s.call(t, "chat.postMessage", url.Values{"channel": {"C0GENERAL"}, "blocks": {c.blocks}}); got != c.code {
			t.Errorf("%s gave %q, want %q", name, got, c.code)
		}
	}
}

func TestSlackSaysWhereBlocksAreWrong(t *testing.T) {
	s := newSlackRig(t, sandbox.SlackOptions{NoLimits: true})
	for blocks, place := range map[string]string{
		`[{"type":"divider"},{"type":"actions","elements":[{"type":"button","text":{"type":"plain_text","text":"x"}},{"type":"button"}]}]`: "[1] actions.elements[1] button.text",
		`[{"type":"section","fields":[{"type":"mrkdwn","text":""}]}]`:                                                                      "[0] section.fields[0]",
		`[{"type":"actions","elements":[{"type":"overflow","options":[{"value":"a"}]}]}]`:                                                  "[0] actions.elements[0] overflow.options[0].text",
		`[{"type":"plan","title":"x","tasks":[{"task_id":"1"}]}]`:                                                                          "[0] plan.tasks[0].title",
	} {
		if _, more := s.refusal(t, "chat.postMessage", url.Values{"channel": {"C0GENERAL"}, "blocks": {blocks}}); !strings.Contains(more, place+" ") {
			t.Errorf("of %s Slack says %q, not what is wrong with %s", blocks, more, place)
		}
	}
}

func TestSlackNamesTheBlocksThatPeopleCanActOn(t *testing.T) {
	s := newSlackRig(t, sandbox.SlackOptions{NoLimits: true})
	const button = `{"type":"button","action_id":"a","text":{"type":"plain_text","text":"\"}]}{[\\"}}`
	posted := `[ {"type":"markdown","text":"a } ] \" b"}, {"type":"actions","elements":[` + button + `] } ,{"type":"actions","block_id":"mine","elements":[` + button + `]},` +
		`{"type":"section","text":{"type":"mrkdwn","text":"x"},"accessory":` + button + `}]`
	if code := s.call(t, "chat.postMessage", url.Values{"channel": {"C0GENERAL"}, "blocks": {posted}}); code != "" {
		t.Fatal(code)
	}
	messages := s.World().Messages("C0GENERAL")
	var want, got []map[string]any
	if err := json.Unmarshal([]byte(posted), &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(messages[len(messages)-1].Blocks), &got); err != nil || len(got) != len(want) {
		t.Fatalf("%d blocks, error %v: %s", len(got), err, messages[len(messages)-1].Blocks)
	}
	for i, named := range []bool{false, true, false, true} {
		id, has := got[i]["block_id"].(string)
		if named {
			if !has || len(id) != 5 {
				t.Errorf("block %d has the id %q", i, id)
			}
			delete(got[i], "block_id")
		}
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("block %d is %v, want %v", i, got[i], want[i])
		}
	}
}
