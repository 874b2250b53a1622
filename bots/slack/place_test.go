package slack

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"bobbin/agent"
	"bobbin/bots"
	"bobbin/bots/sandbox"
)

func TestChannelsSayWhoSharesAConversation(t *testing.T) {
	rules := bots.Channels{Default: bots.Rules{Session: bots.PerUser}, Special: map[string]bots.Rules{"C0RANDOM": {Session: bots.PerChannel}}}
	bubble(t, sandbox.SlackOptions{}, func(t *testing.T, r *rig) {
		at := func(user, channel, thread string) agent.Address {
			t.Helper()
			r.say(t, user, channel, thread, "@bobbin hi")
			got := r.got()
			return got[len(got)-1].Target.Address
		}
		base := general("").Address
		mine := base
		mine.User = "U0ADA"
		if got := at("U0ADA", "C0GENERAL", ""); got != mine {
			t.Errorf("ada is in %+v", got)
		}
		if got := at("U0GRACE", "C0GENERAL", ""); got.User != "U0GRACE" || got.Thread != "" {
			t.Errorf("grace is in %+v", got)
		}
		for _, text := range []string{"ask why?", "reset"} {
			if err := r.Command("U0ADA", "C0GENERAL", "/bobbin", text); err != nil {
				t.Fatal(err)
			}
			got := r.got()
			if e := got[len(got)-1]; e.Target.Address != mine {
				t.Errorf("%s: in %+v, want %+v", text, e.Target.Address, mine)
			}
		}
		shared := base
		shared.Channel = "C0RANDOM"
		for _, user := range []string{"U0ADA", "U0GRACE"} {
			if got := at(user, "C0RANDOM", ""); got != shared {
				t.Errorf("%s is in %+v where all share one", user, got)
			}
		}
		root := r.say(t, "U0ADA", "C0GENERAL", "", "nobody in particular")
		r.got() // it is another conversation's, and may come in after what follows it
		thread := base
		thread.Thread = root
		if got := at("U0GRACE", "C0GENERAL", root); got != thread {
			t.Errorf("a thread is %+v", got)
		}
		dm := base
		dm.Channel = r.OpenDM("U0ADA")
		if got := at("U0ADA", dm.Channel, ""); got != dm {
			t.Errorf("a DM is %+v", got)
		}
	}, func(o *Options) { o.Channels = rules })
}

func TestAThreadBelowAnAnswerSaysWhich(t *testing.T) {
	bubble(t, sandbox.SlackOptions{}, func(t *testing.T, r *rig) {
		answer, err := r.s.Post(t.Context(), general(""), "K", page("hello"))
		if err != nil {
			t.Fatal(err)
		}
		_, root, _ := splitID(answer)
		r.say(t, "U0ADA", "C0GENERAL", root, "and?")
		got := r.got()
		if e := got[len(got)-1]; e.Reply == nil || e.Reply.To != answer || e.Reply.Branch != nil || e.Addressed {
			t.Errorf("event is %+v", e)
		}
		other := r.say(t, "U0ADA", "C0GENERAL", "", "@bobbin hi")
		r.say(t, "U0GRACE", "C0GENERAL", other, "and?")
		got = r.got()
		if e := got[len(got)-1]; e.Reply != nil {
			t.Errorf("below somebody's message it is %+v", e.Reply)
		}
	})
}

func TestAThreadIsOpenedOnceAndPeopleAreToldWhyNot(t *testing.T) {
	bubble(t, sandbox.SlackOptions{NoLimits: true}, func(t *testing.T, r *rig) {
		at := general("1.000001").Address
		at.User = "U0ADA"
		r.Fault(func(method string, _ url.Values) *sandbox.SlackFault {
			if method == "chat.postMessage" {
				return &sandbox.SlackFault{Execute: true, Status: http.StatusInternalServerError}
			}
			return nil
		})
		before := len(r.World().Messages("C0GENERAL"))
		thread, link, err := r.s.OpenThread(t.Context(), at, "K", "hello **you** <!channel>")
		if err != nil || thread.User != "" || thread.Channel != "C0GENERAL" || !strings.Contains(link, "/archives/C0GENERAL/p") {
			t.Fatalf("opened %+v, %q, %v", thread, link, err)
		}
		ms := r.World().Messages("C0GENERAL")
		if m := ms[len(ms)-1]; len(ms) != before+1 || m.ID != thread.Thread || m.Text != "hello *you* &lt;!channel&gt;" {
			t.Errorf("in the channel stands %+v", ms)
		}
		r.Fault(func(method string, _ url.Values) *sandbox.SlackFault {
			if method == "chat.postMessage" {
				return &sandbox.SlackFault{Status: http.StatusOK, Body: `{"ok":false,"error":"not_in_channel"}`, Header: http.Header{"Content-Type": {"application/json"}}}
			}
			return nil
		})
		if _, _, err := r.s.OpenThread(t.Context(), at, "K2", "hello"); err == nil || !strings.Contains(agent.Explain(err), "Invite me") {
			t.Errorf("where bobbin is not: %v", err)
		}
	})
}
