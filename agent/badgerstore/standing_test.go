package badgerstore

import (
	"slices"
	"strings"
	"testing"

	"bobbin/agent"
)

// answered is an exchange whose reply is the message A of the question's id.
func answered(t *testing.T, s *Store, at agent.Address, id string) *agent.Turn {
	t.Helper()
	in := said(at, id, "say "+id)
	in.Author, in.Direct = agent.Author{ID: "U1", Name: "Ada"}, at.User != ""
	accept(t, s, in)
	turn := begin(t, s, at.Session())
	post(t, s, turn, id)
	turn.Outcome = &agent.Outcome{Kind: agent.Answered, Text: "answer to " + id}
	if err := s.Commit(t.Context(), turn, turn.Transcript()); err != nil {
		t.Fatal(err)
	}
	return turn
}

func post(t *testing.T, s *Store, turn *agent.Turn, id string) {
	t.Helper()
	for _, p := range []agent.Part{{Key: string(turn.ID) + "-2"}, {Key: string(turn.ID) + "-2", ID: agent.MessageID("A" + id)}} {
		if err := s.RecordPart(t.Context(), turn, p); err != nil {
			t.Fatal(err)
		}
	}
}

func located(t *testing.T, s *Store, platform, m string) (at agent.Location) {
	t.Helper()
	at, found, err := s.Locate(t.Context(), platform, agent.MessageID(m))
	if err != nil || found != (at.Session != "") {
		t.Errorf("%s: %+v, %v, %v", m, at, found, err)
	}
	return at
}

func TestAMessageTellsWhereItBelongs(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{})
	mine := agent.Address{Platform: "slack", Workspace: "T1", Channel: "C1", User: "U1"}
	answered(t, s, shared, "M1")
	answered(t, s, mine, "M2")
	answered(t, s, shared, "M3")
	note := said(mine, "M4", "!status")
	if err := s.Note(t.Context(), note); err != nil {
		t.Fatal(err)
	}
	accept(t, s, said(mine, "M5", "and now?"))
	running := begin(t, s, mine.Session())
	post(t, s, running, "M5")
	for m, want := range map[string]agent.Location{
		"M1": {Session: shared.Session()}, "M2": {Session: mine.Session()}, "M4": {Session: mine.Session()}, "M5": {Session: mine.Session()},
		"AM1": {Session: shared.Session(), Reply: true}, "AM3": {Session: shared.Session(), Reply: true, Newest: true},
		"AM2": {Session: mine.Session(), Reply: true, Newest: true}, "AM5": {Session: mine.Session(), Reply: true, Newest: true},
		"nothing": {}, "": {},
	} {
		if got := located(t, s, "slack", m); got != want {
			t.Errorf("%s: %+v, want %+v", m, got, want)
		}
	}
	if got := located(t, s, "discord", "AM1"); got != (agent.Location{}) {
		t.Errorf("on another platform: %+v", got)
	}
	if err := s.Reset(t.Context(), shared.Session()); err != nil {
		t.Fatal(err)
	}
	if got := located(t, s, "slack", "AM3"); got.Newest {
		t.Error("an answer from before a reset is the newest")
	}
}

func TestAForkBeginsWithWhatWasSaidUpToAnAnswer(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{})
	for _, id := range []string{"M1", "M2", "M3"} {
		answered(t, s, shared, id)
	}
	fork := func(name, after string) []string {
		t.Helper()
		to := shared
		to.Thread = name
		n, err := s.Fork(t.Context(), shared.Session(), to.Session(), agent.MessageID(after))
		got := texts(t, s, to)
		if err != nil || n != len(got) {
			t.Errorf("%s: %d entries of %d, %v", name, n, len(got), err)
		}
		return got
	}
	first := []string{"say M1", "answer to M1"}
	for name, c := range map[string]struct {
		after string
		want  []string
	}{
		"the first":     {"AM1", first},
		"the second":    {"AM2", append(slices.Clone(first), "say M2", "answer to M2")},
		"all":           {"", append(slices.Clone(first), "say M2", "answer to M2", "say M3", "answer to M3")},
		"a question":    {"M1", nil},
		"nothing known": {"AM9", nil},
	} {
		if got := fork(name, c.after); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
	if err := s.Reset(t.Context(), shared.Session()); err != nil {
		t.Fatal(err)
	}
	answered(t, s, shared, "M4")
	if got := fork("before a reset", "AM1"); !slices.Equal(got, first) {
		t.Errorf("before a reset: %q", got)
	}
	last, err := s.Last(t.Context(), shared.Session())
	if err != nil {
		t.Fatal(err)
	}
	if done, err := s.Reopen(t.Context(), last); err != nil || !done {
		t.Fatalf("reopened %v, %v", done, err)
	}
	if got := fork("while it is answered once more", "AM4"); got != nil {
		t.Errorf("while it is answered once more: %q", got)
	}
	other := shared
	other.Channel, other.Thread = "C2", "the first"
	if n, err := s.Fork(t.Context(), other.Session(), agent.Address{Platform: "slack", Channel: "C3"}.Session(), "AM1"); n != 0 || err != nil {
		t.Errorf("an answer of another session: %d, %v", n, err)
	}
}

func TestAForkLeavesASessionAloneThatHasBegun(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{})
	answered(t, s, shared, "M1")
	to := shared
	to.Thread = "2.5"
	accept(t, s, said(to, "M2", "first word"))
	turn := begin(t, s, to.Session())
	if n, err := s.Fork(t.Context(), shared.Session(), to.Session(), ""); n != 0 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if err := s.Commit(t.Context(), turn, turn.Transcript()); err != nil {
		t.Fatal(err)
	}
	if got := texts(t, s, to); len(got) != 2 || got[0] != "first word" {
		t.Errorf("%q", got)
	}
}

func TestWhatAPersonSaidAloneBearsTheirNameWhereOthersSpeak(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{})
	mine := agent.Address{Platform: "slack", Workspace: "T1", Channel: "C1", User: "U1"}
	answered(t, s, mine, "M1")
	to := shared
	if _, err := s.Fork(t.Context(), mine.Session(), to.Session(), "AM1"); err != nil {
		t.Fatal(err)
	}
	for e, err := range s.Transcript(t.Context(), to.Session()) {
		if err != nil || e.Direct || e.Role == agent.RoleUser && (e.Author == nil || e.Author.Name != "Ada") {
			t.Errorf("%+v, %v", e, err)
		}
	}
}

func TestNothingTellsOfAPersonsOwnSessionOnceItIsForgotten(t *testing.T) {
	for name, mine := range map[string]agent.Address{
		"in a channel": {Platform: "slack", Workspace: "T1", Channel: "C1", User: "UGONE"},
		"in a DM":      {Platform: "slack", Workspace: "T1", Channel: "DGONE"},
	} {
		t.Run(name, func(t *testing.T) { forgetOwn(t, mine) })
	}
}

func forgetOwn(t *testing.T, mine agent.Address) {
	s := openAt(t, t.TempDir(), Options{})
	in := said(mine, "M1", "secret")
	in.Author, in.Direct, in.EventID = agent.Author{ID: "UGONE", Name: "Eve"}, true, "E1"
	accept(t, s, in)
	turn := begin(t, s, mine.Session())
	post(t, s, turn, "M1")
	turn.Outcome = &agent.Outcome{Kind: agent.Answered, Text: "fine", Usage: agent.Usage{Input: 1}}
	if err := s.Commit(t.Context(), turn, turn.Transcript()); err != nil {
		t.Fatal(err)
	}
	answered(t, s, shared, "M2")
	if _, _, err := s.Forget(t.Context(), "slack", "UGONE"); err != nil {
		t.Fatal(err)
	}
	if data := string(backupOf(t, s)); strings.Contains(data, "GONE") || strings.Contains(data, "secret") {
		t.Error("something is still there")
	}
	if got := located(t, s, "slack", "AM2"); got.Session == "" {
		t.Error("what others were answered is not known any more")
	}
	if seen, err := s.Seen(t.Context(), in); !seen || err != nil {
		t.Errorf("the message would be answered again: %v", err)
	}
}
