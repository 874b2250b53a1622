package badgerstore

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"bobbin/agent"
)

var (
	shared = agent.Address{Platform: "slack", Workspace: "T1", Channel: "C1", Thread: "1.5"}
	alone  = agent.Address{Platform: "slack", Workspace: "T1", Channel: "D1"}
)

// exchange is a turn in which somebody says something and is answered.
func exchange(t *testing.T, s *Store, at agent.Address, id, user, text string) *agent.Turn {
	t.Helper()
	in := said(at, id, text)
	in.Author, in.Direct = agent.Author{ID: user, Name: "name of " + user}, strings.HasPrefix(at.Channel, "D")
	accept(t, s, in)
	turn := begin(t, s, at.Session())
	turn.Outcome = &agent.Outcome{Kind: agent.Answered, Text: "answer to " + id, Usage: agent.Usage{Input: 100, Output: 10, Neurons: 2}}
	if err := s.Commit(t.Context(), turn, turn.Transcript()); err != nil {
		t.Fatal(err)
	}
	return turn
}

func texts(t *testing.T, s *Store, at agent.Address) (all []string) {
	t.Helper()
	for e, err := range s.Transcript(t.Context(), at.Session()) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e.Text)
	}
	return all
}

func TestASessionTellsHowItStands(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{})
	info, err := s.Session(t.Context(), shared.Session())
	if err != nil || info != (agent.SessionInfo{}) {
		t.Errorf("a new session: %+v, %v", info, err)
	}
	exchange(t, s, shared, "M1", "U1", "one")
	exchange(t, s, shared, "M2", "U1", "two")
	accept(t, s, said(shared, "M3", "three"))
	if err := s.Choose(t.Context(), shared.Session(), "wise"); err != nil {
		t.Fatal(err)
	}
	info, err = s.Session(t.Context(), shared.Session())
	if err != nil || info.Entries != 4 || info.Waiting != 1 || info.Model != "wise" || info.Tokens == 0 || info.Heard.IsZero() ||
		info.Spent.Turns != 2 || info.Spent.Usage.Input != 200 {
		t.Errorf("%+v, %v", info, err)
	}
	turn := begin(t, s, shared.Session())
	if turn.Prefers != "wise" {
		t.Errorf("the turn prefers %q", turn.Prefers)
	}
	if info, _ = s.Session(t.Context(), shared.Session()); info.Waiting != 0 {
		t.Errorf("while it is answered, %d messages wait", info.Waiting)
	}
	if err := s.Commit(t.Context(), turn, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Reset(t.Context(), shared.Session()); err != nil {
		t.Fatal(err)
	}
	info, err = s.Session(t.Context(), shared.Session())
	if err != nil || info.Entries != 0 || info.Tokens != 0 || info.Model != "wise" || info.Spent.Turns != 3 {
		t.Errorf("after a reset %+v, %v", info, err)
	}
}

func TestATranscriptIsReadInPiecesAndEndsWhereItBegan(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{})
	accept(t, s, said(shared, "M1", "one"))
	var es []agent.Entry
	for range 3*atOnce + 7 {
		es = append(es, agent.Entry{Role: agent.RoleAssistant, Text: "line"})
	}
	if err := s.Commit(t.Context(), begin(t, s, shared.Session()), es); err != nil {
		t.Fatal(err)
	}
	if got := len(texts(t, s, shared)); got != len(es) {
		t.Errorf("%d entries of %d", got, len(es))
	}
	n := 0
	for _, err := range s.Transcript(t.Context(), shared.Session()) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 3 {
			break
		}
	}
	exchange(t, s, shared, "M2", "U1", "two")
	for e, err := range s.Transcript(t.Context(), shared.Session()) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Text == "line" {
			exchange(t, s, shared, "M3", "U1", "during")
			break
		}
	}
}

func TestWhatWasSpentIsKnownByDayAndPerson(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{})
	exchange(t, s, shared, "M1", "U1", "one")
	exchange(t, s, alone, "M2", "U2", "two")
	exchange(t, s, shared, "M3", "U1", "three")
	again, err := s.Last(t.Context(), shared.Session())
	if err != nil || again == nil {
		t.Fatal(again, err)
	}
	if did, err := s.Reopen(t.Context(), again); !did || err != nil {
		t.Fatal(did, err)
	}
	turn := begin(t, s, shared.Session())
	turn.Outcome = &agent.Outcome{Kind: agent.Answered, Text: "better", Usage: agent.Usage{Input: 1}}
	if err := s.Commit(t.Context(), turn, nil); err != nil {
		t.Fatal(err)
	}
	hour := time.Now().Add(-time.Hour)
	for _, c := range []struct {
		user  string
		since time.Time
		turns int
		input int
	}{{"", hour, 4, 301}, {"U1", hour, 3, 201}, {"U2", hour, 1, 100}, {"U3", hour, 0, 0}, {"", time.Now().Add(time.Hour), 0, 0}} {
		got, err := s.Spent(t.Context(), "slack", c.user, c.since)
		if err != nil || got.Turns != c.turns || got.Usage.Input != c.input {
			t.Errorf("%q since %v: %+v, %v", c.user, c.since, got, err)
		}
	}
	if got, err := s.Spent(t.Context(), "discord", "", hour); err != nil || got.Turns != 0 {
		t.Errorf("elsewhere %+v, %v", got, err)
	}
}

func TestARatingReplacesTheOneBefore(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{})
	for i, c := range []struct {
		turn           agent.TurnID
		user           string
		rating, before int
	}{{"T1", "U1", 1, 0}, {"T1", "U2", -1, 0}, {"T1", "U1", -1, 1}, {"T2", "U1", 1, 0}, {"T1", "U1", 0, -1}, {"T1", "U1", 1, 0}} {
		if before, err := s.Rate(t.Context(), shared.Session(), c.turn, c.user, c.rating); err != nil || before != c.before {
			t.Errorf("%d: before %d, %v", i, before, err)
		}
	}
	if _, err := s.Rate(t.Context(), alone.Session(), "T3", "U1", 1); err != nil {
		t.Fatal(err)
	}
	got, err := s.Ratings(t.Context(), shared.Session())
	if want := map[agent.TurnID]agent.Rating{"T1": {Good: 1, Bad: 1}, "T2": {Good: 1}}; err != nil || !maps.Equal(got, want) {
		t.Errorf("the ratings are %v, %v", got, err)
	}
}

func TestARatingIsOfTheAnswerThatStood(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{})
	first, second := exchange(t, s, shared, "M1", "U1", "one"), exchange(t, s, shared, "M2", "U1", "two")
	for _, id := range []agent.TurnID{first.ID, second.ID} {
		if _, err := s.Rate(t.Context(), shared.Session(), id, "U1", -1); err != nil {
			t.Fatal(err)
		}
	}
	last, err := s.Last(t.Context(), shared.Session())
	if err != nil {
		t.Fatal(err)
	}
	if done, err := s.Reopen(t.Context(), last); !done || err != nil {
		t.Fatal(done, err)
	}
	got, err := s.Ratings(t.Context(), shared.Session())
	if want := map[agent.TurnID]agent.Rating{first.ID: {Bad: 1}}; err != nil || !maps.Equal(got, want) {
		t.Errorf("once the second is to be answered anew, the ratings are %v, %v", got, err)
	}
}

func TestAForkBeginsWithWhatWasSaid(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{})
	to := shared
	to.Thread = "2.5"
	if n, err := s.Fork(t.Context(), shared.Session(), to.Session(), ""); n != 0 || err != nil {
		t.Errorf("of nothing: %d, %v", n, err)
	}
	exchange(t, s, shared, "M1", "U1", "one")
	if n, err := s.Fork(t.Context(), shared.Session(), to.Session(), ""); n != 2 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	if n, err := s.Fork(t.Context(), shared.Session(), to.Session(), ""); n != 0 || err != nil {
		t.Errorf("into a session that goes on already: %d, %v", n, err)
	}
	exchange(t, s, to, "M2", "U1", "two")
	exchange(t, s, shared, "M3", "U1", "three")
	if got, want := texts(t, s, to), []string{"one", "answer to M1", "two", "answer to M2"}; !slices.Equal(got, want) {
		t.Errorf("the fork is %q", got)
	}
	if got, want := texts(t, s, shared), []string{"one", "answer to M1", "three", "answer to M3"}; !slices.Equal(got, want) {
		t.Errorf("what was forked is %q", got)
	}
	if known, err := s.Known(t.Context(), to.Session()); !known || err != nil {
		t.Error("the fork is not known")
	}
}

func TestAForkOfALongSessionDoesNotBeginInsideAStep(t *testing.T) {
	var l logged
	s := openAt(t, t.TempDir(), l.options())
	accept(t, s, said(shared, "M1", "look up much"))
	const results, steps = 400, 300
	ids := make([]string, results)
	var es []agent.Entry
	for i := range ids {
		ids[i] = fmt.Sprint(i)
		es = append(es, found(ids[i]))
	}
	es = append([]agent.Entry{calls("a", ids...)}, es...)
	for i := range steps {
		es = append(es, calls(fmt.Sprint("step ", i)))
	}
	if err := s.Commit(t.Context(), begin(t, s, shared.Session()), es); err != nil {
		t.Fatal(err)
	}
	to := shared
	to.Thread = "2.5"
	if n, err := s.Fork(t.Context(), shared.Session(), to.Session(), ""); n != steps || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if got := history(t, s, to); len(got) != steps || got[0] != "step 0" {
		t.Errorf("%d entries, from %q", len(got), got[0])
	}
	if told := l.take(); told != "" {
		t.Errorf("the log tells of damage: %s", told)
	}
}

// A fork that takes several transactions may have been cut off in between.
func TestAForkThatWasCutOffIsMadeAgain(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{})
	var es []agent.Entry
	for i := range 100 {
		es = append(es, agent.Entry{Role: agent.RoleAssistant, Text: fmt.Sprint("word ", i, strings.Repeat(" and", 1000))})
	}
	accept(t, s, said(shared, "M1", "tell me a lot"))
	if err := s.Commit(t.Context(), begin(t, s, shared.Session()), es); err != nil {
		t.Fatal(err)
	}
	to := shared
	to.Thread = "2.5"
	for i := range 30 { // what an earlier one may have left
		put(t, s, entryKey(to.Session(), 0, uint64(i)), []byte(`{"role":"assistant","text":"left"}`))
	}
	if n, err := s.Fork(t.Context(), shared.Session(), to.Session(), ""); n != len(es) || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	got := history(t, s, to)
	if len(got) != len(es) {
		t.Fatalf("%d entries", len(got))
	}
	for i := range got {
		if got[i] != es[i].Text {
			t.Errorf("entry %d is %.20q", i, got[i])
		}
	}
}

func TestWhatAForgottenPersonSaidIsNowhere(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{})
	old := exchange(t, s, shared, "M1", "U1", "secret one")
	exchange(t, s, shared, "M2", "U2", "public two")
	if err := s.Reset(t.Context(), shared.Session()); err != nil {
		t.Fatal(err)
	}
	exchange(t, s, shared, "M3", "U2", "public three")
	exchange(t, s, shared, "M4", "U1", "secret four")
	exchange(t, s, alone, "M5", "U1", "secret five")
	other := alone
	other.Channel = "D2"
	exchange(t, s, other, "M6", "U2", "public six")
	elsewhere := agent.Address{Platform: "discord", Channel: "C9"}
	exchange(t, s, elsewhere, "M7", "U1", "public seven")
	dead := said(shared, "M8", "secret eight")
	dead.Author.ID = "U1"
	accept(t, s, dead)
	if err := s.Abandon(t.Context(), begin(t, s, shared.Session()), "it failed"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Rate(t.Context(), shared.Session(), old.ID, "U1", 1); err != nil {
		t.Fatal(err)
	}
	changed, busy, err := s.Forget(t.Context(), "slack", "U1")
	if changed != 2 || busy != 0 || err != nil {
		t.Errorf("%d changed, %d busy, %v", changed, busy, err)
	}
	data := string(backupOf(t, s))
	for _, gone := range []string{"secret", "answer to M5", "name of U1\",\"direct"} {
		if strings.Contains(data, gone) {
			t.Errorf("%q is still there", gone)
		}
	}
	for _, kept := range []string{"public two", "public three", "answer to M4", "public six", "public seven"} {
		if !strings.Contains(data, kept) {
			t.Errorf("%q is gone", kept)
		}
	}
	if got, want := texts(t, s, shared), []string{"public three", "answer to M3", erased, "answer to M4", erased}; !slices.Equal(got[:5], want) {
		t.Errorf("the transcript is %q", got)
	}
	if got, err := s.Spent(t.Context(), "slack", "U1", time.Time{}); got.Turns != 0 || err != nil {
		t.Errorf("what they spent is known: %+v, %v", got, err)
	}
	if before, err := s.Rate(t.Context(), shared.Session(), old.ID, "U1", 1); before != 0 || err != nil {
		t.Errorf("their rating is known: %d, %v", before, err)
	}
	exchange(t, s, shared, "M9", "U1", "and on it goes")
	changed, _, err = s.Forget(t.Context(), "slack", "U1")
	if changed != 1 || err != nil {
		t.Errorf("the second time: %d, %v", changed, err)
	}
}

func TestASummaryOfWhatAForgottenPersonSaidIsErasedToo(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{})
	exchange(t, s, shared, "M1", "U1", "private one")
	accept(t, s, said(shared, "M2", "sum up"))
	turn := begin(t, s, shared.Session())
	turn.Outcome = &agent.Outcome{Kind: agent.Answered, Text: "they said something private", Summary: true}
	if err := s.Commit(t.Context(), turn, turn.Transcript()); err != nil {
		t.Fatal(err)
	}
	exchange(t, s, shared, "M3", "U2", "public")
	if changed, _, err := s.Forget(t.Context(), "slack", "U1"); changed != 1 || err != nil {
		t.Errorf("%d changed, %v", changed, err)
	}
	if got, want := texts(t, s, shared), []string{erased, "public", "answer to M3"}; !slices.Equal(got, want) {
		t.Errorf("the transcript is %q", got)
	}
}

func TestASessionThatIsBeingAnsweredIsForgottenLater(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{})
	exchange(t, s, shared, "M1", "U1", "secret one")
	in := said(shared, "M2", "secret two")
	in.Author.ID = "U1"
	accept(t, s, in)
	if changed, busy, err := s.Forget(t.Context(), "slack", "U1"); changed != 0 || busy != 1 || err != nil {
		t.Errorf("%d changed, %d busy, %v", changed, busy, err)
	}
	turn := begin(t, s, shared.Session())
	if err := s.Commit(t.Context(), turn, turn.Transcript()); err != nil {
		t.Fatal(err)
	}
	if changed, busy, err := s.Forget(t.Context(), "slack", "U1"); changed != 1 || busy != 0 || err != nil {
		t.Errorf("%d changed, %d busy, %v", changed, busy, err)
	}
}

func TestAFirstQuestionThatIsBeingAnsweredIsNotTakenForForgotten(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{})
	in := said(shared, "M1", "secret one")
	in.Author.ID = "U1"
	accept(t, s, in)
	turn := begin(t, s, shared.Session())
	if changed, busy, err := s.Forget(t.Context(), "slack", "U1"); changed != 0 || busy != 1 || err != nil {
		t.Errorf("while it is answered: %d changed, %d busy, %v", changed, busy, err)
	}
	if err := s.Commit(t.Context(), turn, turn.Transcript()); err != nil {
		t.Fatal(err)
	}
	if changed, busy, err := s.Forget(t.Context(), "slack", "U1"); changed != 1 || busy != 0 || err != nil {
		t.Errorf("once it is answered: %d changed, %d busy, %v", changed, busy, err)
	}
}
