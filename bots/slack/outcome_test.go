package slack

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"bobbin/agent"
	"bobbin/bots"
	"bobbin/bots/sandbox"
)

// outcome is what a caller of Post or Edit is to do next.
type outcome string

const (
	shown   outcome = "shown"        // nothing
	later   outcome = "later"        // the same once more, after a while
	anew    outcome = "anew"         // post another message
	nowhere outcome = "nowhere"      // nothing can be shown there
	open    outcome = "open"         // it may stand: look, then try again
	asText  outcome = "shown anyway" // in another form
)

func outcomeOf(err error) outcome {
	wait := new(bots.RetryAfterError)
	switch {
	case err == nil:
		return shown
	case errors.Is(err, agent.ErrUndeliverable):
		return nowhere
	case errors.Is(err, bots.ErrGone):
		return anew
	case errors.As(err, &wait) && wait.After > 0:
		return later
	}
	return open
}

func TestEveryCodeOfSlackHasOneOutcome(t *testing.T) {
	post, edit := make(map[string]outcome), make(map[string]outcome)
	put := func(codes map[string]bool, p, e outcome) {
		for c := range maps.Keys(codes) {
			if post[c] != "" {
				t.Errorf("%s is in two sets", c)
			}
			post[c], edit[c] = p, e
		}
	}
	put(goneCodes, open, anew)
	put(closedCodes, nowhere, nowhere)
	put(limitCodes, later, later)
	put(tooMuchCodes, asText, asText)
	for _, c := range []string{
		"unknown_error", "internal_error", "fatal_error", "service_unavailable", "request_timeout", "invalid_auth", "missing_scope",
		"no_text", "invalid_arguments", "streaming_state_conflict", "not_yet_invented",
	} {
		put(set(c), open, open)
	}
	bubble(t, sandbox.SlackOptions{NoLimits: true}, func(t *testing.T, r *rig) {
		id, err := r.s.Post(t.Context(), general(""), "K", page("x"))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range slices.Sorted(maps.Keys(post)) {
			refused := func(method string, form url.Values) *sandbox.SlackFault {
				if post[c] == asText && form.Get("blocks") == "" || form.Get("blocks") == "[]" {
					return nil
				}
				return answer(method, `{"ok":false,"error":"`+c+`"}`)(method, form)
			}
			r.Fault(refused)
			_, err := r.s.Post(t.Context(), general(""), "K", page("x"))
			if got := outcomeOf(err); got != post[c] && !(got == shown && post[c] == asText) {
				t.Errorf("Post, %s: %s, want %s (%v)", c, got, post[c], err)
			}
			err = r.s.Edit(t.Context(), general(""), id, page("x"))
			if got := outcomeOf(err); got != edit[c] && !(got == shown && edit[c] == asText) {
				t.Errorf("Edit, %s: %s, want %s (%v)", c, got, edit[c], err)
			}
		}
	})
}

func TestPlacesThatAreNoMoreHaveAnOutcome(t *testing.T) {
	bubble(t, sandbox.SlackOptions{NoLimits: true}, func(t *testing.T, r *rig) {
		root := r.say(t, "U0ADA", "C0GENERAL", "", "@bobbin hi")
		to := general(root)
		standing := func() agent.MessageID {
			id, err := r.s.Post(t.Context(), to, "K", page("x"))
			if err != nil {
				t.Fatal(err)
			}
			return id
		}
		both := func(what string, id agent.MessageID, post, edit outcome) {
			t.Helper()
			if err := r.s.Edit(t.Context(), to, id, page("y")); outcomeOf(err) != edit {
				t.Errorf("%s: Edit: %v", what, err)
			}
			if _, err := r.s.Post(t.Context(), to, "K2", page("y")); outcomeOf(err) != post {
				t.Errorf("%s: Post: %v", what, err)
			}
		}

		deleted := standing()
		if err := r.s.Delete(t.Context(), to, deleted); err != nil {
			t.Fatal(err)
		}
		both("the message was deleted", deleted, shown, anew)
		if err := r.s.Delete(t.Context(), to, deleted); err != nil {
			t.Errorf("deleted twice: %v", err)
		}
		both("not bobbin's message", messageID("C0GENERAL", root), shown, anew)

		id := standing()
		for what, code := range map[string]string{
			"channel archived": "is_archived", "bot removed": "not_in_channel", "channel gone": "channel_not_found",
			"app removed": "account_inactive", "thread locked": "restricted_action_thread_locked",
		} {
			r.Forbid("C0GENERAL", code)
			both(what, id, nowhere, nowhere)
			if err := r.s.Delete(t.Context(), to, id); outcomeOf(err) != nowhere {
				t.Errorf("%s: Delete: %v", what, err)
			}
			r.Forbid("C0GENERAL", "")
		}
		both("all as it was", id, shown, shown)
		if err := r.Delete("U0ADA", "C0GENERAL", root); err != nil {
			t.Fatal(err)
		}
		both("the question was deleted", id, shown, shown)
	})
}

func TestEditWhoseAnswerIsLostMayBeMadeAgain(t *testing.T) {
	faults := map[string]sandbox.SlackFault{
		"connection reset": {Execute: true, Drop: true},
		"server error":     {Execute: true, Status: http.StatusInternalServerError},
		"no JSON":          {Execute: true, Status: http.StatusOK, Body: "<html>"},
		"no ts":            {Execute: true, Status: http.StatusOK, Body: `{"ok":true}`, Header: http.Header{"Content-Type": {"application/json"}}},
		"no error":         {Execute: true, Status: http.StatusOK, Body: `{"ok":false}`, Header: http.Header{"Content-Type": {"application/json"}}},
		"nothing":          {Status: http.StatusOK},
	}
	bubble(t, sandbox.SlackOptions{NoLimits: true}, func(t *testing.T, r *rig) {
		id, err := r.s.Post(t.Context(), general(""), "K", page("x"))
		if err != nil {
			t.Fatal(err)
		}
		for name, fault := range faults {
			r.Fault(func(string, url.Values) *sandbox.SlackFault { return &fault })
			if err := r.s.Edit(t.Context(), general(""), id, page(name)); outcomeOf(err) != open {
				t.Errorf("%s: %v", name, err)
			}
			r.Fault(nil)
			if err := r.s.Edit(t.Context(), general(""), id, page(name)); err != nil {
				t.Errorf("%s, again: %v", name, err)
			}
		}
		if n := len(r.shown("C0GENERAL")); n != 1 {
			t.Errorf("%d messages stand", n)
		}
	})
}
