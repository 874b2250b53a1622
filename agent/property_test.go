package agent_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bobbin/agent"
	"bobbin/agent/badgerstore"

	"pgregory.net/rapid"
)

// Whatever people write, and wherever the power fails: in the end each message has one
// outcome, in its order and in one place, and no effect has happened twice. A message is
// given up only if it brings the daemon down itself.
func TestEachMessageHasOneOutcomeWhateverHappens(t *testing.T) {
	root := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		// Hidden, as rapid asks a *testing.T for its deadline, which no bubble has.
		rapid.Check(struct{ rapid.TB }{t}, func(rt *rapid.T) {
			dir, err := os.MkdirTemp(root, "") //nolint:usetesting // one for each check, gone after it
			if err != nil {
				rt.Fatal(err)
			}
			defer os.RemoveAll(dir)
			live(rt, dir)
		})
	})
}

func live(t *rapid.T, dir string) {
	w := &world{
		T: t, dir: dir, busy: rapid.SampledFrom([]agent.Busy{agent.Queue, agent.Steer}).Draw(t, "while busy"),
		posted: make(map[string]string), effects: make(map[string]int), took: make(map[agent.SessionID][]agent.MessageID),
		unsure: make(map[agent.MessageID]bool),
	}
	w.up()
	defer func() { // what a failed check has left running
		w.fail()
		w.end()
	}()
	hiccups, refusals := 2, 4 // fewer than what a turn is given up for
	for range rapid.IntRange(1, 25).Draw(t, "acts") {
		switch rapid.SampledFrom([]string{"say", "say", "say", "say", "again", "wait", "wait", "fuse", "moment", "moment", "kill", "stop", "hiccup", "refuse"}).Draw(t, "act") {
		case "say":
			w.say(rapid.SampledFrom([]string{"plain", "plain", "record", "record", "look", "fails", "gone", "poison"}).Draw(t, "kind"),
				rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "session"))
		case "again":
			if len(w.sent) > 0 {
				w.submit(rapid.SampledFrom(w.sent).Draw(t, "which"))
			}
		case "wait":
			time.Sleep(time.Duration(rapid.IntRange(0, 100).Draw(t, "ms")) * time.Millisecond)
		case "fuse":
			w.mu.Lock()
			w.fuse = rapid.IntRange(0, 30).Draw(t, "operations")
			w.mu.Unlock()
		case "moment":
			w.mu.Lock()
			w.moment = rapid.SampledFrom(worldMoments()).Draw(t, "moment")
			w.mu.Unlock()
		case "kill":
			w.fail()
		case "stop":
			w.end()
			w.up()
		case "hiccup":
			if hiccups > 0 {
				hiccups--
				w.mu.Lock()
				w.hiccups++
				w.mu.Unlock()
			}
		case "refuse":
			if refusals > 0 {
				refusals--
				w.mu.Lock()
				w.refused++
				w.mu.Unlock()
			}
		}
		synctest.Wait()
		w.again()
	}
	w.mu.Lock()
	w.fuse, w.moment, w.hiccups = -1, "", 0
	w.mu.Unlock()
	w.settle()
	w.check(false)

	dead := 0
	w.cured = true
	for d, err := range w.db.Abandoned(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		s, _, err := w.db.Retry(t.Context(), d.ID)
		if err != nil {
			t.Fatal(err)
		}
		w.agent.Wake(s)
		dead++
	}
	if dead > 0 {
		w.settle()
		w.check(true)
	}
}

// again starts another daemon if the power has failed.
func (w *world) again() {
	if w.dark() {
		w.end()
		w.up()
	}
}

func (w *world) say(kind, session string) {
	in := message(session, len(w.sent)+1)
	in.Text = fmt.Sprintf("msg-%d %s", len(w.sent)+1, kind)
	w.sent = append(w.sent, in)
	w.submit(in)
}

// submit reports whether the message has been accepted, now or before.
func (w *world) submit(in agent.Inbound) bool {
	if _, err := w.agent.Submit(w.Context(), in); err != nil {
		w.unsure[in.MessageID] = true // it may have been accepted all the same
		return false
	}
	if took := w.took[in.Session()]; !w.unsure[in.MessageID] && !slices.Contains(took, in.MessageID) {
		w.took[in.Session()] = append(took, in.MessageID)
	}
	return true
}

// settle has the platform deliver again what was not accepted, and waits until all is
// done.
func (w *world) settle() {
	for _, in := range w.sent {
		for !w.submit(in) {
			w.again()
		}
	}
	for began := time.Now(); ; w.again() {
		time.Sleep(worldSettle)
		synctest.Wait()
		n, err := w.db.Backlog(w.Context())
		if err != nil {
			w.Fatal(err)
		}
		if n == 0 && w.agent.Live() == 0 && !w.dark() {
			break
		}
		if time.Since(began) > time.Hour {
			w.Fatalf("%d messages are still to be answered, %d sessions live", n, w.agent.Live())
		}
	}
	if n, err := w.db.Audit(w.Context()); n != 0 || err != nil {
		w.Fatalf("%d messages are unaccounted for, error %v", n, err)
	}
}

// check compares what stands with what was said. retried says that nothing may be set
// aside any more.
func (w *world) check(retried bool) {
	last := make(map[agent.TurnID]ending) // one that is cut off before it is committed is shown again
	var order []agent.TurnID
	for _, e := range w.ends {
		before, again := last[e.turn]
		if again && before.outcome.Text != e.outcome.Text {
			w.Fatalf("turn %s said %q and then %q", e.turn, before.outcome.Text, e.outcome.Text)
		}
		if !again {
			order = append(order, e.turn)
		}
		last[e.turn] = e
	}
	dead := make(map[agent.MessageID]badgerstore.Dead) // set aside
	for d, err := range w.db.Abandoned(w.Context()) {
		if err != nil {
			w.Fatal(err)
		}
		for _, in := range d.Inbound {
			dead[in.MessageID] = d
		}
	}
	if retried && len(dead) > 0 {
		w.Fatalf("set aside although nothing fails any more: %v", dead)
	}
	answered := make(map[agent.MessageID]ending)
	sessions := make(map[agent.SessionID][]agent.MessageID)
	for _, id := range order {
		e := last[id]
		if len(e.keys) != 1 || w.posted[e.keys[0]] != e.outcome.Text+e.outcome.Notice {
			w.Fatalf("turn %s shows %q in %q, and ended with %+v", id, w.posted[e.keys[0]], e.keys, e.outcome)
		}
		for _, m := range e.answers {
			if before, twice := answered[m]; twice && before.outcome.GivenUp == "" {
				w.Fatalf("%s has the outcomes %+v and %+v", m, before.outcome, e.outcome)
			}
			answered[m] = e
		}
		sessions[e.session] = append(sessions[e.session], e.answers...)
	}
	for _, in := range w.sent {
		w.checkMessage(in, answered, dead)
	}
	if retried {
		return // what was retried comes last
	}
	for s, got := range sessions {
		want := slices.DeleteFunc(slices.Clone(w.took[s]), func(m agent.MessageID) bool { return !slices.Contains(got, m) })
		got = slices.DeleteFunc(got, func(m agent.MessageID) bool { return !slices.Contains(want, m) })
		if !slices.Equal(got, want) {
			w.Fatalf("in %s %q came, and was answered in the order %q", s, want, got)
		}
		w.checkTranscript(s)
	}
}

func (w *world) checkMessage(in agent.Inbound, answered map[agent.MessageID]ending, dead map[agent.MessageID]badgerstore.Dead) {
	id, kind, _ := strings.Cut(in.Text, " ")
	e, shown := answered[in.MessageID]
	d, aside := dead[in.MessageID]
	switch {
	case !shown && !aside:
		w.Fatalf("%s has no outcome", in.Text)
	case aside && e.outcome.GivenUp == "" && !strings.HasSuffix(d.Inbound[0].Text, " gone"):
		w.Fatalf("%s is set aside because %s, and nobody was told", in.Text, d.Why)
	case aside && shown && e.outcome.GivenUp == "", !aside && e.outcome.GivenUp != "":
		w.Fatalf("%s has the outcome %+v; set aside: %t", in.Text, e.outcome, aside)
	case e.outcome.GivenUp != "" && !w.together(e, "poison"):
		w.Fatalf("%s is given up for what another did: %s", in.Text, e.outcome.GivenUp)
	case w.effects[id] > 1:
		w.Fatalf("the effect of %s has happened %d times", in.Text, w.effects[id])
	case e.outcome.Kind != agent.Answered:
	case strings.Count(e.outcome.Text, "["+id+": ") != 1:
		w.Fatalf("%s is answered with %q", in.Text, e.outcome.Text)
	case kind == "record" && strings.Contains(e.outcome.Text, "["+id+": recorded]") && w.effects[id] != 1:
		w.Fatalf("%s is said to be recorded, which has happened %d times", in.Text, w.effects[id])
	}
}

// together reports whether a message of a kind was in the turn.
func (w *world) together(e ending, kind string) bool {
	return slices.ContainsFunc(w.sent, func(in agent.Inbound) bool {
		return strings.HasSuffix(in.Text, " "+kind) && slices.Contains(e.answers, in.MessageID)
	})
}

// checkTranscript: each message stands in the transcript once, and each call with its
// result.
func (w *world) checkTranscript(s agent.SessionID) {
	said := make(map[string]int)
	open := make(map[string]bool)
	for e, err := range w.db.Transcript(w.Context(), s) {
		if err != nil {
			w.Fatal(err)
		}
		if e.Role == agent.RoleUser {
			said[e.Text]++
		}
		for _, c := range e.Calls {
			open[c.ID] = true
		}
		if e.Role == agent.RoleTool {
			if !open[e.CallID] {
				w.Fatalf("a result of %s without its call", e.CallID)
			}
			delete(open, e.CallID)
		}
	}
	if len(open) > 0 {
		w.Fatalf("calls without a result: %v", open)
	}
	for _, in := range w.sent {
		if in.Session() == s && said[in.Text] != 1 {
			w.Fatalf("%q stands in the transcript %d times", in.Text, said[in.Text])
		}
	}
}
