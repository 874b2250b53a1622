package badgerstore

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"bobbin/agent"
)

// isOnDisk reports whether some text is in any file of a directory.
func isOnDisk(t *testing.T, dir, text string) bool {
	t.Helper()
	found := false
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		found = found || bytes.Contains(data, []byte(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// uncompressed is a text that Badger's compression leaves as it is.
func uncompressed(words string) string {
	var b strings.Builder
	for i := range 60 {
		fmt.Fprintf(&b, "%x ", (i+1)*7919*104729%1000003)
	}
	return words + " " + b.String()
}

func TestWhatAForgottenPersonSaidLeavesTheDisk(t *testing.T) {
	dir := t.TempDir()
	var s *Store
	reopen := func() {
		if s != nil {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
		var err error
		if s, err = Open(dir, Options{}); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		reopen()
		exchange(t, s, shared, "M1", "U1", uncompressed("private in a log and a table"))
		exchange(t, s, shared, "M2", "U2", uncompressed("public"))
		reopen() // it is in a table now, and in those of the inbox and the journal
		exchange(t, s, alone, "M3", "U1", uncompressed("private alone"))
		exchange(t, s, alone, "M4", "U1", uncompressed("private that is large")+strings.Repeat("x", 2*valueThreshold))
		made := []byte(strings.Repeat("private picture", valueThreshold/10))
		drawn := base64.StdEncoding.EncodeToString(made[:15])
		accept(t, s, said(alone, "M7", "draw"))
		drawing := begin(t, s, alone.Session())
		step := agent.Entry{Role: agent.RoleTool, Text: "made", Made: &[]agent.Made{{Name: "a.png", Type: "image/png", Data: made}}}
		if err := s.Append(t.Context(), drawing, step); err != nil {
			t.Fatal(err)
		}
		if err := s.Commit(t.Context(), drawing, []agent.Entry{{Role: agent.RoleAssistant, Text: "Look."}}); err != nil {
			t.Fatal(err)
		}
		accept(t, s, said(place, "M5", "waits"))
		for _, text := range []string{"private", drawn} {
			if !isOnDisk(t, dir, text) {
				t.Fatal("the test does not see what is on the disk")
			}
		}
		if _, _, err := s.Forget(t.Context(), "slack", "U1"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute) // virtual
		for _, text := range []string{"private", drawn} {
			if isOnDisk(t, dir, text) {
				t.Errorf("%s is still on the disk", text)
			}
		}
		if got, want := texts(t, s, shared), []string{erased, "answer to M1", uncompressed("public"), "answer to M2"}; !slices.Equal(got, want) {
			t.Errorf("the transcript is %q", got)
		}
		if fresh, err := s.Accept(t.Context(), said(shared, "M2", "public"), nil); fresh || err != nil {
			t.Errorf("what was accepted is taken again: %v, %v", fresh, err)
		}
		// The store goes on, and so does what waits.
		turn := begin(t, s, place.Session())
		if len(turn.Inbound) != 1 || turn.Inbound[0].Text != "waits" {
			t.Errorf("the turn is %+v", turn)
		}
		if err := s.Commit(t.Context(), turn, turn.Transcript()); err != nil {
			t.Error(err)
		}
		exchange(t, s, shared, "M6", "U2", uncompressed("later"))
		reopen()
		if got := texts(t, s, shared); len(got) != 6 || got[4] != uncompressed("later") {
			t.Errorf("after another start the transcript is %q", got)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "rewrite*")); len(left) > 0 {
			t.Errorf("it left %q", left)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestARewriteThatWasKilledLosesNothing(t *testing.T) {
	for _, at := range []string{"while it wrote", "when all was written", "while old files went", "while new files came"} {
		t.Run(at, func(t *testing.T) {
			dir := t.TempDir()
			s, err := Open(dir, Options{})
			if err != nil {
				t.Fatal(err)
			}
			exchange(t, s, shared, "M1", "U1", "one")
			part := filepath.Join(dir, rewriting)
			if err := s.copyTo(t.Context(), part); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			move := func(from, to string) {
				t.Helper()
				if err := os.Rename(filepath.Join(dir, from), filepath.Join(dir, to)); err != nil {
					t.Fatal(err)
				}
			}
			drop := func(dir string, n int) {
				t.Helper()
				names, err := ownFiles(dir)
				if err != nil {
					t.Fatal(err)
				}
				for _, name := range names[:min(n, len(names))] {
					if err := os.Remove(filepath.Join(dir, name)); err != nil {
						t.Fatal(err)
					}
				}
			}
			switch at {
			case "while it wrote":
				drop(part, 1)
			case "when all was written":
				move(rewriting, rewritten)
			case "while old files went":
				move(rewriting, rewritten)
				drop(dir, 2)
			case "while new files came":
				move(rewriting, replacing)
				drop(dir, 1000)
				names, _ := ownFiles(filepath.Join(dir, replacing))
				move(filepath.Join(replacing, names[0]), names[0])
			}
			if there, err := Exists(dir); !there || err != nil {
				t.Errorf("it is there: %v, %v", there, err)
			}
			s = openAt(t, dir, Options{})
			if got, want := texts(t, s, shared), []string{"one", "answer to M1"}; !slices.Equal(got, want) {
				t.Errorf("the transcript is %q", got)
			}
			if left, _ := filepath.Glob(filepath.Join(dir, "rewrite*")); len(left) > 0 {
				t.Errorf("it left %q", left)
			}
		})
	}
}

func TestARewriteBesideOthersLosesNothing(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{})
	const sessions, turns = 4, 25
	var wg sync.WaitGroup
	for n := range sessions {
		at := shared
		at.Thread = fmt.Sprintf("%d.1", n)
		wg.Go(func() {
			for i := range turns {
				in := said(at, fmt.Sprintf("M%d.%d", n, i), fmt.Sprint(i))
				if _, err := s.Accept(t.Context(), in, nil); err != nil {
					t.Error(err)
					return
				}
				turn, err := s.Begin(t.Context(), at.Session())
				if err == nil {
					err = s.Commit(t.Context(), turn, turn.Transcript())
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 3 {
		if err := s.Rewrite(t.Context()); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
	for n := range sessions {
		at := shared
		at.Thread = fmt.Sprintf("%d.1", n)
		if got := texts(t, s, at); len(got) != 2*turns {
			t.Errorf("session %d has %d entries of %d", n, len(got), 2*turns)
		}
	}
}

// stuck is a reader of a backup that does not read on.
type stuck struct{ began, goOn chan struct{} }

func (w *stuck) Write(p []byte) (int, error) {
	select {
	case w.began <- struct{}{}:
	default:
	}
	<-w.goOn
	return len(p), nil
}

func TestARewriteWaitsForABackupAndKeepsNobodyElseWaiting(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{})
	exchange(t, s, shared, "M1", "U1", strings.Repeat("long ", 50_000))
	w := &stuck{make(chan struct{}, 1), make(chan struct{})}
	backedUp := make(chan error, 1)
	go func() { backedUp <- s.Backup(t.Context(), io.Writer(w)) }()
	<-w.began
	ctx, cancel := context.WithCancel(t.Context())
	rewrote := make(chan error, 1)
	go func() { rewrote <- s.Rewrite(ctx) }()
	exchange(t, s, shared, "M2", "U1", "meanwhile")
	cancel()
	if err := <-rewrote; !errors.Is(err, context.Canceled) {
		t.Errorf("the rewrite ends with %v", err)
	}
	close(w.goOn)
	if err := <-backedUp; err != nil {
		t.Error(err)
	}
	if err := s.Rewrite(t.Context()); err != nil {
		t.Error(err)
	}
	if got := texts(t, s, shared); len(got) != 4 {
		t.Errorf("%d entries", len(got))
	}
}

func TestARewriteThatFailsLeavesTheStoreAsItWas(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{})
	exchange(t, s, shared, "M1", "U1", "one")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.copyTo(ctx, filepath.Join(s.dir, rewriting)); err == nil {
		t.Error("a copy that was cut off is no error")
	}
	s.gate.Lock()
	err := s.rewrite(ctx)
	s.gate.Unlock()
	if err == nil {
		t.Error("a rewrite that was cut off is no error")
	}
	exchange(t, s, shared, "M2", "U1", "two")
	if got := texts(t, s, shared); len(got) != 4 {
		t.Errorf("the transcript is %q", got)
	}
	if _, err := os.Stat(filepath.Join(s.dir, rewriting)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it left its files: %v", err)
	}
}

func TestARewriteIsNotPostponedByThoseWhoAlwaysUseTheStore(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{})
	exchange(t, s, shared, "M1", "U1", "one")
	rewrote := make(chan error, 1)
	s.gate.RLock() // somebody uses it
	go func() { rewrote <- s.Rewrite(t.Context()) }()
	for began := time.Now(); s.gate.TryRLock(); runtime.Gosched() {
		s.gate.RUnlock()
		if time.Since(began) > 20*time.Second {
			s.gate.RUnlock()
			t.Fatal("others may use the store for ever before it is rewritten")
		}
	}
	s.gate.RUnlock()
	if err := <-rewrote; err != nil {
		t.Error(err)
	}
	if got := texts(t, s, shared); len(got) != 2 {
		t.Errorf("the transcript is %q", got)
	}
}

func TestARewriteWhoseFilesCannotTakeTheirPlaceShowsNobodyHalfOfThem(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, dir, Options{})
	exchange(t, s, shared, "M1", "U1", "one")
	obstacle := filepath.Join(dir, "obstacle.sst")
	if err := os.MkdirAll(filepath.Join(obstacle, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := s.Rewrite(t.Context()); err == nil {
		t.Fatal("it is no error that the old files cannot be removed")
	}
	if fresh, err := s.Accept(t.Context(), said(shared, "M1", "one"), nil); err == nil {
		t.Errorf("a message is accepted into half a store; fresh: %v", fresh)
	}
	if _, err := s.Seen(t.Context(), said(shared, "M1", "one")); err == nil {
		t.Error("half a store is read")
	}
	if due, err := s.toErase(); !due || err != nil {
		t.Errorf("the store is to be mended: %v, %v", due, err)
	}
	if err := os.RemoveAll(obstacle); err != nil {
		t.Fatal(err)
	}
	if err := s.Rewrite(t.Context()); err != nil {
		t.Fatal(err)
	}
	exchange(t, s, shared, "M2", "U1", "two")
	if got, want := texts(t, s, shared), []string{"one", "answer to M1", "two", "answer to M2"}; !slices.Equal(got, want) {
		t.Errorf("the transcript is %q", got)
	}
}

func TestWhatIsForgottenLeavesTheDiskAlsoIfForgettingIsCutOff(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		exchange(t, s, shared, "M1", "U1", uncompressed("private"))
		if _, _, err := s.forgetIn(t.Context(), shared.Session(), "U1"); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil { // as if the process had ended here
			t.Fatal(err)
		}
		if s, err = Open(dir, Options{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute) // virtual
		if isOnDisk(t, dir, "private") {
			t.Error("it is still on the disk")
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}
