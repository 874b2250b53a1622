package badgerstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/dgraph-io/badger/v4"

	"bobbin/agent"
)

func TestOpenSaysWhatIsWrongWithADirectory(t *testing.T) {
	for name, test := range map[string]struct {
		prepare func(t *testing.T, dir string)
		want    error
	}{
		"locked": {func(t *testing.T, dir string) { openAt(t, dir, Options{}) }, ErrLocked},
		"newer schema": {func(t *testing.T, dir string) {
			rewrite(t, dir, "v", binary.BigEndian.AppendUint64(nil, schema+1))
		}, ErrNewerSchema},
		"damaged schema": {func(t *testing.T, dir string) { rewrite(t, dir, "v", []byte("?")) }, ErrUnreadable},
		"a file": {func(t *testing.T, dir string) {
			if err := os.WriteFile(dir, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, ErrUnreadable},
		"in a file": {func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Dir(dir), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, ErrUnreadable},
		"damaged manifest": {func(t *testing.T, dir string) {
			rewrite(t, dir, "k/x", nil)
			if err := os.WriteFile(filepath.Join(dir, "MANIFEST"), []byte("what is this"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, ErrUnreadable},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			if name == "in a file" {
				dir = filepath.Join(t.TempDir(), "file", "data")
			}
			test.prepare(t, dir)
			s, err := Open(dir, Options{})
			if err == nil {
				_ = s.Close()
			}
			sentinel(t, err, test.want)
		})
	}
}

// sentinel checks that err is want and none of the others.
func sentinel(t *testing.T, err, want error) {
	t.Helper()
	for _, e := range []error{ErrLocked, ErrNewerSchema, ErrUnreadable} {
		if is := errors.Is(err, e); is != (e == want) {
			t.Errorf("error %q is %q: %v", err, e, is)
		}
	}
}

func TestTheDirectoryIsForItsOwnerOnly(t *testing.T) {
	made, open := filepath.Join(t.TempDir(), "a", "b"), t.TempDir()
	if err := os.Chmod(open, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{made, open} {
		openAt(t, dir, Options{})
		info, err := os.Stat(dir)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o700 {
			t.Errorf("%s has mode %v", dir, info.Mode())
		}
	}
}

// rewrite writes one key behind the store's back.
func rewrite(t testing.TB, dir, k string, v []byte) {
	t.Helper()
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, []byte(k), v)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func put(t testing.TB, s *Store, k, v []byte) {
	t.Helper()
	if err := s.update(func(txn *tx) error { return txn.Set(k, v) }); err != nil {
		t.Fatal(err)
	}
}

// spoil writes v over all values whose keys have the prefix.
func spoil(t *testing.T, s *Store, prefix, v []byte) {
	t.Helper()
	var found [][]byte
	err := s.view(func(txn *tx) error {
		return each(txn, prefix, func(_ []byte, item *badger.Item) error {
			found = append(found, item.KeyCopy(nil))
			return nil
		})
	})
	if err != nil || len(found) == 0 {
		t.Fatalf("no keys with the prefix %q, error %v", prefix, err)
	}
	for _, k := range found {
		put(t, s, k, v)
	}
}

func entry(n int) agent.Entry {
	return agent.Entry{Role: agent.RoleAssistant, Text: fmt.Sprint("entry ", n)}
}

// inTheMiddle is a session with a history, a turn with a full journal, and a message
// that waits for the next.
func inTheMiddle(t *testing.T, s *Store) *agent.Turn {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx, id := t.Context(), place.Session()
	accept(t, s, said(place, "M1", "one"))
	check(s.Commit(ctx, begin(t, s, id), []agent.Entry{entry(1), entry(2), entry(3)}))
	accept(t, s, said(place, "M2", "two"))
	turn := begin(t, s, id)
	step := entry(4)
	step.Calls = []agent.ToolCall{{ID: "c1", Name: "look", Args: []byte(`{}`)}}
	check(s.Append(ctx, turn, step, agent.Entry{Role: agent.RoleTool, CallID: "c1"}, entry(5)))
	check(s.StartCall(ctx, turn, "c1"))
	check(s.RecordPart(ctx, turn, agent.Part{Key: "K-001", ID: "posted"}))
	check(s.RecordPart(ctx, turn, agent.Part{Key: "K-002", ID: "posted too"}))
	check(s.Answer(ctx, turn, agent.Outcome{Kind: agent.Answered, Text: "fine"}, agent.Part{Key: "K-003"}))
	accept(t, s, said(place, "M3", "three"))
	return turn
}

func TestDamagedRecordsCostWhatTheyHeldAndNothingElse(t *testing.T) {
	id := place.Session()
	for name, test := range map[string]struct {
		key   []byte
		check func(t *testing.T, s *Store, before, after *agent.Turn)
	}{
		"a transcript entry": {entryKey(id, 0, 1), func(t *testing.T, s *Store, _, after *agent.Turn) {
			wantTexts(t, s, after, "entry 1", "entry 3")
		}},
		"all of the transcript": {within("m/", id), func(t *testing.T, s *Store, _, after *agent.Turn) {
			wantTexts(t, s, after)
		}},
		"the head": {key("h/", id), func(t *testing.T, s *Store, _, after *agent.Turn) {
			wantTexts(t, s, after, "entry 1", "entry 2", "entry 3")
		}},
		"the turn": {key("t/", id), func(t *testing.T, s *Store, before, after *agent.Turn) {
			wantTexts(t, s, after, "entry 1", "entry 2", "entry 3")
			// It answers all that waits, and does nothing again that it has done.
			if len(after.Inbound) != 2 || after.ID == before.ID || len(after.Entries) != 3 || len(after.Parts) != 3 || len(after.Started) != 1 || after.Outcome != nil || after.Attempt != 1 {
				t.Errorf("the turn is %+v", after)
			}
		}},
		"all of the inbox": {within("i/", id), func(t *testing.T, s *Store, _, after *agent.Turn) {
			if after != nil {
				t.Errorf("there is a turn: %+v", after)
			}
		}},
		"the steps": {append(within("j/", id), 'e'), func(t *testing.T, s *Store, before, after *agent.Turn) {
			if after.ID != before.ID || len(after.Entries) != 0 || after.Outcome == nil {
				t.Errorf("the turn is %+v", after)
			}
			if err := s.Append(t.Context(), after, entry(6)); err != nil {
				t.Fatal(err)
			}
			if again := begin(t, s, id); len(again.Entries) != 1 || again.Entries[0].Text != "entry 6" {
				t.Errorf("after another step: %+v", again.Entries)
			}
		}},
		"a started call": {callKey(id, "c1"), func(t *testing.T, _ *Store, _, after *agent.Turn) {
			if len(after.Started) != 1 || after.Started[0] != "c1" {
				t.Errorf("started %q", after.Started)
			}
		}},
		"a part": {partKey(id, "K-001"), func(t *testing.T, _ *Store, _, after *agent.Turn) {
			// It is not forgotten that it may have been posted.
			if len(after.Parts) != 3 || after.Parts[0] != (agent.Part{Key: "K-001"}) || after.Parts[1].ID != "posted too" {
				t.Errorf("parts %+v", after.Parts)
			}
		}},
		"the outcome": {outcomeKey(id), func(t *testing.T, _ *Store, before, after *agent.Turn) {
			if after.Outcome != nil || after.ID != before.ID || len(after.Entries) != 3 || len(after.Parts) != 2 {
				t.Errorf("the turn is %+v", after)
			}
		}},
		"all of the journal": {within("j/", id), func(t *testing.T, _ *Store, before, after *agent.Turn) {
			if after.Outcome != nil || after.ID != before.ID || len(after.Entries) != 0 {
				t.Errorf("the turn is %+v", after)
			}
		}},
	} {
		for _, garbage := range [][]byte{nil, []byte(`{"id":7`), bytes.Repeat([]byte{0xff}, 100)} {
			t.Run(fmt.Sprintf("%s: %.3q", name, garbage), func(t *testing.T) {
				dir := t.TempDir()
				s, err := Open(dir, Options{})
				if err != nil {
					t.Fatal(err)
				}
				before := inTheMiddle(t, s)
				spoil(t, s, test.key, garbage)
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				s = openAt(t, dir, Options{})
				after, err := s.Begin(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				test.check(t, s, before, after)
				goesOn(t, s)
			})
		}
	}
}

// goesOn works off what the session has, and talks in it.
func goesOn(t *testing.T, s *Store) {
	t.Helper()
	id := place.Session()
	for n := 0; ; n++ {
		turn, err := s.Begin(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if turn == nil {
			break
		}
		if len(turn.Inbound) == 0 || n > 2 {
			t.Fatalf("turn %d is %+v", n, turn)
		}
		if err := s.Commit(t.Context(), turn, []agent.Entry{entry(100 + n)}); err != nil {
			t.Fatal(err)
		}
	}
	for p, err := range s.Pending(t.Context()) {
		t.Errorf("session %s is pending, error %v", p, err)
	}
	accept(t, s, said(place, "later", "later"))
	if err := s.Commit(t.Context(), begin(t, s, id), []agent.Entry{entry(200)}); err != nil {
		t.Fatal(err)
	}
	accept(t, s, said(place, "last", "last"))
	es, err := s.History(t.Context(), begin(t, s, id), 1e6)
	if err != nil || len(es) == 0 || es[len(es)-1].Text != "entry 200" {
		t.Errorf("history %+v, error %v", es, err)
	}
}

func wantTexts(t *testing.T, s *Store, turn *agent.Turn, want ...string) {
	t.Helper()
	es, err := s.History(t.Context(), turn, 1e6)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range es {
		got = append(got, e.Text)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("history %q, want %q", got, want)
	}
}

func TestACommitThatWasCutOffHalfWayIsAsIfItNeverWas(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	turn := inTheMiddle(t, s)
	values, _, err := encode([]agent.Entry{entry(10), entry(11), entry(12)})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.writeAhead(turn, values); err != nil {
		t.Fatal(err)
	}
	// The reset makes the head forget how far the turn's own transcript goes.
	if err := s.Reset(t.Context(), place.Session()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, dir, Options{})
	again := begin(t, s, place.Session())
	wantTexts(t, s, again, "entry 1", "entry 2", "entry 3")
	if n := keysOf(t, s, entriesOf(place.Session(), 0)); n != 3 {
		t.Errorf("%d entries are in the store", n)
	}
	if err := s.Commit(t.Context(), again, []agent.Entry{entry(20)}); err != nil {
		t.Fatal(err)
	}
	wantTexts(t, s, begin(t, s, place.Session()))
}

func TestTheInboxKeepsItsOrderWhenTheClockIsSetBack(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.seq.Store(1 << 62) // written by a clock that was far ahead
	accept(t, s, said(place, "M1", "one"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, dir, Options{})
	accept(t, s, said(place, "M2", "two"))
	turn := begin(t, s, place.Session())
	if len(turn.Inbound) != 2 || turn.Inbound[0].MessageID != "M1" {
		t.Errorf("the turn answers %+v", turn.Inbound)
	}
}
