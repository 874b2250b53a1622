package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"bobbin/agent"
	"bobbin/agent/badgerstore"
)

// measureFloor writes and syncs without any database: nothing durable can be faster.
func (b *bench) measureFloor(ctx context.Context) error {
	ds, err := b.syncedWrites(ctx, b.syncs, 0)
	b.table.spread("floor", "write of 600 bytes and sync, without a database", ds)
	return err
}

// refloor measures the floor again, right before what is compared with it: disks have
// moods.
func (b *bench) refloor(ctx context.Context) error {
	_, err := b.syncedWrites(ctx, b.syncs/2, 0)
	return err
}

// floorTakes bounds the time that writes at a slow rhythm take together, and slowest their
// rhythm: with longer pauses a write takes no longer.
const (
	floorTakes = 3 * time.Second
	slowest    = 100 * time.Millisecond
)

// syncedWrites makes up to n writes, one every so often, and takes the middle one for the
// floor.
func (b *bench) syncedWrites(ctx context.Context, n int, every time.Duration) (ds durations, err error) {
	f, err := os.Create(b.data("floor"))
	if err != nil {
		return nil, fmt.Errorf("make a file: %w", err)
	}
	if every = min(every, slowest); every > 0 {
		n = min(n, int(floorTakes/every))
	}
	record := make([]byte, 600) // as long as an accepted message
	for began := time.Now(); len(ds) < n; began = time.Now() {
		_, wrote := f.Write(record)
		if err := errors.Join(wrote, datasync(f)); err != nil {
			return nil, errors.Join(err, f.Close())
		}
		took := time.Since(began)
		ds = append(ds, took)
		if err := benchSleep(ctx, every-took); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	b.floor = ds.quantile(.5)
	return ds, f.Close()
}

// measureStore has the store accept messages and journal steps, within this process.
func (b *bench) measureStore(ctx context.Context) error {
	if err := b.refloor(ctx); err != nil {
		return err
	}
	s, err := badgerstore.Open(b.data("store"), badgerstore.Options{})
	if err != nil {
		return err
	}
	err = b.measureWrites(ctx, s)
	return errors.Join(err, s.Close())
}

func (b *bench) measureWrites(ctx context.Context, s *badgerstore.Store) error {
	step := agent.Entry{Role: agent.RoleAssistant, Text: benchEntryText}
	for _, writers := range []int{1, 64} {
		turns := make([]*agent.Turn, writers)
		for i := range turns {
			in := benchInbound(fmt.Sprint("append-", writers, "-", i), 0)
			if _, err := s.Accept(ctx, in, nil); err != nil {
				return err
			}
			var err error
			if turns[i], err = s.Begin(ctx, in.Session()); err != nil {
				return err
			}
		}
		for _, op := range []struct {
			name string
			do   func(writer, n int) error
		}{
			{"accept", func(writer, n int) error {
				_, err := s.Accept(ctx, benchInbound(fmt.Sprint("accept-", writers, "-", writer), n), nil)
				return err
			}},
			{"append a step", func(writer, _ int) error { return s.Append(ctx, turns[writer], step) }},
		} {
			each := b.accepts
			if writers > 1 {
				each = b.accepts / 16
			}
			ds, took, err := sideBySide(writers, each, op.do)
			if err != nil {
				return err
			}
			what := fmt.Sprintf("%s, %d at once", op.name, writers)
			r := b.table.spread("store", what, ds)
			if writers == 1 {
				r.atMost(2*millis(b.floor), "2 × floor")
			}
			b.table.add("store", what, float64(len(ds))/took.Seconds(), "/s")
		}
	}
	return nil
}

// sideBySide calls f so often in each of so many goroutines.
func sideBySide(writers, each int, f func(writer, n int) error) (ds durations, took time.Duration, err error) {
	// An inbox is bounded, and so is a turn: a writer goes on to new sessions by itself.
	var all sync.WaitGroup
	var mu sync.Mutex
	began := time.Now()
	for w := range writers {
		all.Go(func() {
			own := make(durations, 0, each)
			var failed error
			for n := 0; n < each && failed == nil; n++ {
				before := time.Now()
				failed = f(w, n)
				own = append(own, time.Since(before))
			}
			mu.Lock()
			defer mu.Unlock()
			ds, err = append(ds, own...), errors.Join(err, failed)
		})
	}
	all.Wait()
	return ds, time.Since(began), err
}

// benchEntryText makes an entry of 90 tokens, so that ten fill the window of measureHistory.
const benchEntryText = "Ninety tokens of an ordinary answer, as it stands in a transcript: it says what was asked for, adds a remark on what might " +
	"come next, names a file or two such as agent/turn.go, and ends. It is neither long nor short, holds no table and no code, and reads like " +
	"what a team writes in a thread on an ordinary day, when somebody asks how something works."

// benchAddress is a thread of the stand-in.
func benchAddress(thread string) agent.Address {
	return agent.Address{Platform: "slack", Workspace: "T0SANDBOX", Channel: benchChannel, Thread: thread}
}

// benchInbound is the message of that number in a session of that name. It begins another
// session now and then, since an inbox takes only so many messages.
func benchInbound(name string, n int) agent.Inbound {
	at := benchAddress(fmt.Sprint(name, "-", n/100))
	id := fmt.Sprint(name, "-", n)
	return agent.Inbound{
		EventID: "Ev" + id, MessageID: agent.MessageID(id), Target: agent.Target{Address: at, Recipient: "U0ADA"},
		Author: agent.Author{ID: "U0ADA", Name: "Ada"}, Text: "what is to be done today?", Sent: time.Now(),
	}
}

// fill makes a store in which so many sessions have so many entries each, or takes the one
// made before. Thread names them.
func (b *bench) fill(ctx context.Context, sessions, entries int, thread func(int) string) (dir string, err error) {
	dir = b.data(fmt.Sprintf("filled-%d-%d", sessions, entries))
	if _, err := os.Stat(filepath.Join(dir, "MANIFEST")); err == nil {
		return dir, nil
	}
	s, err := badgerstore.Open(dir, badgerstore.Options{})
	if err != nil {
		return "", err
	}
	writers := min(64, sessions)
	_, _, err = sideBySide(writers, sessions/writers+1, func(writer, n int) error {
		if i := n*writers + writer; i < sessions {
			return benchPast(ctx, s, thread(i), entries)
		}
		return nil
	})
	return dir, errors.Join(err, s.Close())
}

// benchPast gives a session a transcript.
func benchPast(ctx context.Context, s *badgerstore.Store, thread string, entries int) error {
	in := benchInbound(thread, 0)
	in.Target.Address = benchAddress(thread)
	if _, err := s.Accept(ctx, in, nil); err != nil {
		return err
	}
	t, err := s.Begin(ctx, in.Session())
	if err != nil {
		return err
	}
	es := make([]agent.Entry, entries)
	for i := range es {
		es[i] = agent.Entry{Role: agent.RoleUser, At: in.Sent, Text: benchEntryText, Author: &in.Author}
		if i%2 == 1 {
			es[i] = agent.Entry{Role: agent.RoleAssistant, At: in.Sent, Text: benchEntryText, Model: "@cf/zai-org/glm-4.7-flash"}
		}
	}
	return s.Commit(ctx, t, es)
}
