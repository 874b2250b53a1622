package slack

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"bobbin/agent"
	"bobbin/bots"
	"bobbin/bots/sandbox"
)

// signs returns the status lines shown from change number from on, "-" for none.
func (r *rig) signs(ctx context.Context, from int) (signs []string) {
	to := r.World().Next()
	if to == from {
		return nil
	}
	for c := range r.World().Watch(ctx, from) {
		if c.Kind == sandbox.Typing {
			signs = append(signs, c.Thread+" "+c.Status)
		}
		if c.Number == to-1 {
			break
		}
	}
	return signs
}

func TestSignStandsAtTheThreadUntilTheAnswer(t *testing.T) {
	bubble(t, sandbox.SlackOptions{}, func(t *testing.T, r *rig) {
		root := r.say(t, "U0ADA", "C0GENERAL", "", "@bobbin hi")
		from := r.World().Next()
		lasts, err := r.s.Typing(t.Context(), general(root), "looking up\nthe weather…")
		if err != nil || lasts <= 0 || lasts >= 2*time.Minute {
			t.Errorf("%v, %v", lasts, err)
		}
		if _, err := r.s.Post(t.Context(), general(root), "K", page("x")); err != nil {
			t.Fatal(err)
		}
		if signs := r.signs(t.Context(), from); len(signs) != 2 || signs[0] != root+" is looking up the weather…" || signs[1] != root+" " {
			t.Errorf("signs: %q", signs)
		}
	})
}

func TestSignInADMHangsOnTheMessageAndHasToBeTakenAway(t *testing.T) {
	bubble(t, sandbox.SlackOptions{}, func(t *testing.T, r *rig) {
		dm := r.OpenDM("U0ADA")
		ts := r.say(t, "U0ADA", dm, "", "hi")
		to := agent.Target{Address: agent.Address{Channel: dm}, ReplyTo: messageID(dm, ts)}
		from := r.World().Next()
		for _, doing := range []string{"thinking…", ""} {
			if lasts, err := r.s.Typing(t.Context(), to, doing); err != nil || lasts != 0 {
				t.Errorf("%q: %v, %v", doing, lasts, err)
			}
		}
		if signs := r.signs(t.Context(), from); len(signs) != 2 || signs[0] != ts+" is thinking…" || signs[1] != ts+" " {
			t.Errorf("signs: %q", signs)
		}
	})
}

func TestPlaceThatShowsNoSignsIsLeftAlone(t *testing.T) {
	bubble(t, sandbox.SlackOptions{}, func(t *testing.T, r *rig) {
		const method = "assistant.threads.setStatus"
		root := r.say(t, "U0ADA", "C0GENERAL", "", "@bobbin hi")
		r.Fault(answer(method, `{"ok":false,"error":"internal_error"}`))
		if _, err := r.s.Typing(t.Context(), general(root), "x"); err == nil {
			t.Error("a failure was hidden")
		}
		r.Fault(func(string, url.Values) *sandbox.SlackFault {
			return &sandbox.SlackFault{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"3"}}}
		})
		limit := new(bots.RetryAfterError)
		if _, err := r.s.Typing(t.Context(), general(root), "x"); !errors.As(err, &limit) || limit.After != 3*time.Second {
			t.Errorf("limit: %v", err)
		}
		before := r.Calls(method)
		r.Fault(answer(method, `{"ok":false,"error":"not_agent_app"}`))
		for range 3 {
			if lasts, err := r.s.Typing(t.Context(), general(root), "x"); err != nil || lasts < time.Minute {
				t.Errorf("%v, %v", lasts, err)
			}
		}
		if n := r.Calls(method) - before; n != 1 {
			t.Errorf("%d calls after Slack had said no, want 1", n)
		}
		if _, err := r.s.Typing(t.Context(), general(""), "x"); err != nil {
			t.Errorf("without a thread: %v", err)
		}
	})
}

func TestStatusIsOneShortLine(t *testing.T) {
	for in, want := range map[string]string{
		"": "", " \n ": "", "thinking…": "is thinking…", "is  here": "is here",
		strings.Repeat("é", 200): "is " + strings.Repeat("é", maxDoing) + "…",
	} {
		if got := status(in); got != want {
			t.Errorf("status(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestManySignsAndMarksKeepToSlacksLimits(t *testing.T) {
	bubble(t, sandbox.SlackOptions{}, func(t *testing.T, r *rig) {
		const many = 100
		roots := make([]string, many)
		for i := range roots {
			roots[i] = r.say(t, "U0ADA", "C0GENERAL", "", "hi")
		}
		shown := 0
		for _, root := range roots {
			_, err := r.s.Typing(t.Context(), general(root), "thinking")
			if late, ok := errors.AsType[*bots.RetryAfterError](err); err == nil {
				shown++
			} else if !ok || !late.Unsent {
				t.Fatal(err)
			}
		}
		for _, root := range roots {
			if _, err := r.s.Typing(t.Context(), general(root), ""); err != nil {
				t.Fatalf("a sign cannot be taken away: %v", err)
			}
		}
		marked := 0
		for _, root := range roots {
			err := r.s.Mark(t.Context(), general(root), messageID("C0GENERAL", root), true)
			if late, ok := errors.AsType[*bots.RetryAfterError](err); err == nil {
				marked++
			} else if !ok || !late.Unsent {
				t.Fatal(err)
			}
			if err == nil {
				if err := r.s.Mark(t.Context(), general(root), messageID("C0GENERAL", root), false); err != nil {
					t.Errorf("a mark cannot be taken away: %v", err)
				}
			}
		}
		if shown == 0 || marked == 0 {
			t.Errorf("%d signs and %d marks were shown", shown, marked)
		}
		for _, method := range []string{"assistant.threads.setStatus", "reactions.add", "reactions.remove"} {
			if n := r.Limited(method); n > 0 {
				t.Errorf("%s was refused %d times", method, n)
			}
		}
	})
}
