package slack

import (
	"context"
	"errors"
	"net/url"
	"testing"
	"time"

	"bobbin/agent"
	"bobbin/bots/sandbox"
)

func TestCallThatIsNotAnsweredEnds(t *testing.T) {
	bubble(t, sandbox.SlackOptions{}, func(t *testing.T, r *rig) {
		r.Fault(func(string, url.Values) *sandbox.SlackFault { return &sandbox.SlackFault{Delay: time.Hour} })
		began := time.Now()
		_, err := r.s.postText(t.Context(), agent.Target{Address: agent.Address{Channel: "C0GENERAL"}}, "", "hello")
		if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took != callTimeout {
			t.Errorf("after %s: %v", took, err)
		}
		r.Fault(nil)
	})
}
