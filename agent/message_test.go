package agent_test

import (
	"testing"

	"bobbin/agent"
)

func TestEachPlaceIsASessionOfItsOwn(t *testing.T) {
	seen := make(map[agent.SessionID]agent.Address)
	parts := []string{"", "C1", "C/1", "C%2F1", "C1/", "U\x00"}
	for _, workspace := range parts {
		for _, channel := range parts[1:] {
			for _, thread := range parts {
				for _, user := range parts {
					a := agent.Address{Platform: "slack", Workspace: workspace, Channel: channel, Thread: thread, User: user}
					if b, twice := seen[a.Session()]; twice {
						t.Errorf("%+v and %+v share %q", a, b, a.Session())
					}
					seen[a.Session()] = a
					if back, ok := a.Session().Address(); !ok || back != a {
						t.Errorf("%+v comes back as %+v, %v", a, back, ok)
					}
				}
			}
		}
	}
	for _, s := range []agent.SessionID{"", "slack/T1/C1", "slack/T1/C1/1.2/", "slack/T1/C1/1.2/U1/more", "slack/%zz/C1/"} {
		if a, ok := s.Address(); ok {
			t.Errorf("%q is %+v", s, a)
		}
	}
	if got := (agent.Address{Platform: "slack", Workspace: "T1", Channel: "C1", Thread: "1.2"}).Session(); got != "slack/T1/C1/1.2" {
		t.Errorf("the id of a stored session has become %q", got)
	}
}
