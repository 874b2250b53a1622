package badgerstore

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"bobbin/agent"
)

func TestTransactionsThatEndDuringASyncShareTheNext(t *testing.T) {
	const writers, rounds = 32, 20
	var written, durable atomic.Int64
	var syncing atomic.Bool
	g := &group{sync: func() error {
		if syncing.Swap(true) {
			t.Error("two syncs at once")
		}
		defer syncing.Store(false)
		durable.Store(written.Load())
		return nil
	}}
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for range rounds {
				g.begun.Add(1)
				mine := written.Add(1)
				g.ended.Add(1)
				if err := g.wait(); err != nil {
					t.Error(err)
				}
				if durable.Load() < mine {
					t.Errorf("write %d has returned and %d are durable", mine, durable.Load())
				}
			}
		})
	}
	all.Wait()
	if n := g.syncs.Load(); n > writers*rounds || n == 0 {
		t.Errorf("%d syncs", n)
	}
	before := g.syncs.Load()
	if err := g.clean(); err != nil || g.syncs.Load() != before {
		t.Errorf("what is durable already is synced again, error %v", err)
	}
	g.begun.Add(1) // by another, which has not ended: it may be what was read
	if err := g.clean(); err != nil || g.syncs.Load() != before+1 {
		t.Errorf("what was read is not made durable, error %v", err)
	}
}

// onDisk is a copy of a store's directory as a disk would have it that lost its power:
// with what was synced, and nothing that was written since.
type onDisk struct {
	t    *testing.T
	s    *Store
	from string
	to   string
}

// losingPower opens a store and keeps such a copy.
func losingPower(t *testing.T) *onDisk {
	d := &onDisk{t: t, from: t.TempDir(), to: t.TempDir()}
	d.s = openAt(t, d.from, Options{})
	sync := d.s.group.sync
	d.s.group.sync = func() error {
		err := sync()
		d.copy()
		return err
	}
	return d
}

func (d *onDisk) copy() {
	files, err := os.ReadDir(d.from)
	if err != nil {
		d.t.Error(err)
	}
	for _, f := range files {
		if f.Name() == "LOCK" {
			continue
		}
		if err := copyHead(filepath.Join(d.to, f.Name()), filepath.Join(d.from, f.Name())); err != nil {
			d.t.Error(err)
		}
	}
}

// copyHead copies what a test has written of a file, and its size.
func copyHead(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.CopyN(out, in, 256<<10)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return errors.Join(err, out.Truncate(info.Size()), out.Close())
}

// after opens what the disk has and gives it to check.
func (d *onDisk) after(what string, check func(s *Store) bool) {
	d.t.Helper()
	s, err := Open(d.to, Options{})
	if err != nil {
		d.t.Fatalf("%s: %v", what, err)
	}
	if !check(s) {
		d.t.Errorf("%s is gone after the power was", what)
	}
	if err := s.Close(); err != nil {
		d.t.Error(err)
	}
}

func TestWhatHasReturnedSurvivesALossOfPower(t *testing.T) {
	if !ownSync {
		t.Skip("Badger syncs each transaction")
	}
	d := losingPower(t)
	id, ctx := place.Session(), t.Context()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	// turn is what a restart finds. It does not count: nothing else changes the copy.
	turn := func(ok func(*agent.Turn) bool) func(*Store) bool {
		return func(s *Store) bool {
			t, err := s.Begin(ctx, id)
			return err == nil && t != nil && ok(t)
		}
	}
	check(d.s.Note(ctx, said(place, "M0", "/help")))
	d.after("Note", func(s *Store) bool { seen, err := s.Seen(ctx, said(place, "M0", "")); return seen && err == nil })
	accept(t, d.s, said(place, "M1", "one"))
	d.after("Accept", turn(func(t *agent.Turn) bool { return len(t.Inbound) == 1 }))
	under := begin(t, d.s, id)
	// That it has begun may be gone, but not once anything is built on it.
	check(d.s.RecordPart(ctx, under, agent.Part{Key: "K-1"}))
	d.after("a part about to be posted", turn(func(t *agent.Turn) bool { return t.ID == under.ID && len(t.Parts) == 1 }))
	check(d.s.RecordPart(ctx, under, agent.Part{Key: "K-1", ID: "posted"}))
	check(d.s.Append(ctx, under, calls("a", "c1")))
	d.after("Append", turn(func(t *agent.Turn) bool { return len(t.Entries) == 1 && t.Parts[0].ID == "posted" }))
	check(d.s.StartCall(ctx, under, "c1"))
	d.after("StartCall", turn(func(t *agent.Turn) bool { return len(t.Started) == 1 }))
	large := found("c1")
	large.Text = strings.Repeat("x", valueThreshold+1)
	check(d.s.Append(ctx, under, large))
	d.after("a large entry", turn(func(t *agent.Turn) bool { return len(t.Entries) == 2 && t.Entries[1].Text == large.Text }))
	check(d.s.Suspend(ctx, under))
	d.after("Suspend", turn(func(t *agent.Turn) bool { return t.Attempt == 1 }))
	check(d.s.Answer(ctx, under, agent.Outcome{Kind: agent.Answered, Text: "fine"}))
	check(d.s.Settle(ctx, under))
	d.after("Answer and Settle", turn(func(t *agent.Turn) bool { return t.Outcome != nil }))
	check(d.s.RecordPart(ctx, under, agent.Part{Key: "K-2"}))
	check(d.s.RecordPart(ctx, under, agent.Part{Key: "K-2", ID: "also posted"})) // which waits for what comes next
	check(d.s.RecordPart(ctx, under, agent.Part{Key: "K-3"}))
	d.after("the id of a part after the answer", turn(func(t *agent.Turn) bool { return len(t.Parts) == 3 && t.Parts[1].ID == "also posted" }))
	check(d.s.Commit(ctx, under, []agent.Entry{entry(1)}))
	// That it has ended may be gone, too, but not once anything is built on it.
	d.after("the answer", turn(func(t *agent.Turn) bool { return t.ID == under.ID && t.Outcome != nil }))
	accept(t, d.s, said(place, "M2", "two"))
	d.after("Commit", turn(func(t *agent.Turn) bool { return t.ID != under.ID && t.Inbound[0].Text == "two" }))
	check(d.s.Abandon(ctx, begin(t, d.s, id), "broken"))
	d.after("Abandon", func(s *Store) bool { return len(abandoned(t, s)) == 1 })
	check(d.s.Reset(ctx, id))
	d.after("Reset", func(s *Store) bool { return len(history(t, s, place)) == 0 })
	_, _, err := d.s.Retry(ctx, abandoned(t, d.s)[0].ID)
	check(err)
	d.after("Retry", turn(func(t *agent.Turn) bool { return t.Inbound[0].Text == "two" }))
}

func TestADiskThatFailsToKeepAWriteIsTrustedNoMore(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	accept(t, s, said(place, "M1", "one"))
	under := begin(t, s, place.Session())
	sync := s.group.sync
	s.group.sync = func() error { return fmt.Errorf("%w: %w", ErrNotKept, os.ErrInvalid) }
	if _, err := s.Accept(t.Context(), said(place, "M2", "two"), nil); !errors.Is(err, ErrNotKept) || !errors.Is(err, os.ErrInvalid) {
		t.Errorf("Accept: %v", err)
	}
	s.group.sync = sync // the next sync would say that all is well
	for what, err := range map[string]error{
		"Answer": s.Answer(t.Context(), under, agent.Outcome{Kind: agent.Answered}), "RecordPart": s.RecordPart(t.Context(), under, agent.Part{Key: "K", ID: "m"}),
		"Commit": s.Commit(t.Context(), under, nil), "SetHeard": s.SetHeard(t.Context(), "slack", under.Began),
		"Full": s.Full(),
	} {
		if !errors.Is(err, ErrNotKept) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, dir, Options{})
	if again := begin(t, s, place.Session()); again.ID != under.ID {
		t.Errorf("the turn is %+v", again)
	}
}

func TestASyncThatCouldNotBeTriedIsTriedAgain(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{})
	sync := s.group.sync
	s.group.sync = func() error { return os.ErrPermission }
	if _, err := s.Accept(t.Context(), said(place, "M1", "one"), nil); !errors.Is(err, os.ErrPermission) {
		t.Errorf("Accept: %v", err)
	}
	s.group.sync = sync
	// It is there, though its sender was told that it may not be: that is for the sender's
	// platform to deliver again, and for the store to know.
	if fresh, err := s.Accept(t.Context(), said(place, "M1", "one"), nil); err != nil || fresh {
		t.Errorf("fresh %v, error %v", fresh, err)
	}
	if turn := begin(t, s, place.Session()); len(turn.Inbound) != 1 {
		t.Errorf("the turn is %+v", turn)
	}
}

func TestDamageInAStoreThatCannotBeWrittenIsLeftOut(t *testing.T) {
	log := &logged{}
	s := openAt(t, t.TempDir(), log.options())
	accept(t, s, said(place, "M1", "one"))
	if err := s.Commit(t.Context(), begin(t, s, place.Session()), []agent.Entry{entry(1), entry(2), calls("a", "1")}); err != nil {
		t.Fatal(err)
	}
	put(t, s, entryKey(place.Session(), 0, 0), []byte("?"))
	accept(t, s, said(place, "M2", "two"))
	accept(t, s, said(place, "M3", "three"))
	spoilt := s.live.waiting(place.Session())[0]
	put(t, s, inboxKey(place.Session(), spoilt), []byte("?"))
	sync := s.group.sync
	s.group.sync = func() error { return os.ErrPermission } // so no repair is known to be made
	turn := begin(t, s, place.Session())
	if len(turn.Inbound) != 1 || turn.Inbound[0].Text != "three" {
		t.Errorf("the turn is %+v", turn)
	}
	es, err := s.History(t.Context(), turn, 1e6)
	if err != nil || brief(es) != "entry 2, a, lost 1" {
		t.Errorf("history %s, error %v", brief(es), err)
	}
	if log.take() == "" {
		t.Error("nothing is logged")
	}
	s.group.sync = sync
	if err := s.Commit(t.Context(), turn, nil); err != nil {
		t.Fatal(err)
	}
}
