package badgerstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bobbin/agent"
)

func backupOf(t testing.TB, s *Store) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := s.Backup(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// smallBackup is of a store with something of every kind.
func smallBackup(t testing.TB) []byte {
	t.Helper()
	s := openAt(t, t.TempDir(), Options{})
	talk(t, s, place, "M1", time.Now(), "one", strings.Repeat("large ", 20_000)) // beyond the value threshold
	accept(t, s, said(place, "M2", "two"))
	turn := begin(t, s, place.Session())
	if err := s.Append(t.Context(), turn, agent.Entry{Role: agent.RoleAssistant, Text: "a step"}); err != nil {
		t.Fatal(err)
	}
	return backupOf(t, s)
}

func TestWhatWasBackedUpIsThereAfterARestore(t *testing.T) {
	data := smallBackup(t)
	c, err := Inspect(t.Context(), bytes.NewReader(data))
	if err != nil || c.Schema != schema || c.Records < 8 || c.Bytes != int64(len(data)) {
		t.Fatalf("contents %+v, %v", c, err)
	}
	dir := filepath.Join(t.TempDir(), "new")
	if err := Restore(t.Context(), bytes.NewReader(data), dir); err != nil {
		t.Fatal(err)
	}
	s := openAt(t, dir, Options{})
	turn := begin(t, s, place.Session())
	if turn.Attempt != 2 || len(turn.Inbound) != 1 || turn.Inbound[0].Text != "two" || len(turn.Entries) != 1 {
		t.Errorf("the turn under way came back as %+v", turn)
	}
	es, err := s.History(t.Context(), turn, 1<<30)
	if err != nil || len(es) != 2 || es[0].Text != "one" || len(es[1].Text) != 120_000 {
		t.Errorf("history: %d entries, %v", len(es), err)
	}
	for _, id := range []string{"M1", "M2"} {
		if fresh, err := s.Accept(t.Context(), said(place, id, "again"), nil); fresh || err != nil {
			t.Errorf("message %s is known to the backup, fresh %v, %v", id, fresh, err)
		}
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestABackupIsOneMomentOfAStoreInUse(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{})
	for i := range 200 {
		accept(t, s, said(place, fmt.Sprint("before", i), strings.Repeat("x", 1000)))
	}
	// The writer goes on for as long as the backup is read, one message after another.
	ctx, stop := context.WithCancel(t.Context())
	var writer sync.WaitGroup
	started := make(chan struct{})
	writer.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			if _, err := s.Accept(context.WithoutCancel(ctx), said(place, fmt.Sprint("while", i), "y"), nil); err != nil {
				t.Error(err)
			}
			if i == 0 {
				close(started)
			}
		}
	})
	<-started
	data := backupOf(t, s)
	stop()
	writer.Wait()
	inbox, seen := 0, map[string]bool{}
	err := readRecords(t.Context(), bytes.NewReader(data), func(r record) error {
		if bytes.HasPrefix(r.key, []byte("i/")) {
			inbox++
		}
		if id, ok := strings.CutPrefix(string(r.key), "d/m/slack\x00"); ok {
			seen[id] = true
		}
		return nil
	})
	if err != nil || inbox < 201 || inbox != len(seen) {
		t.Errorf("%d messages, %d remembered: not of one moment, %v", inbox, len(seen), err)
	}
	for i := range len(seen) - 200 {
		if !seen[fmt.Sprint("while", i)] {
			t.Errorf("message %d is missing, though later ones are there", i)
		}
	}
	if err := Restore(t.Context(), bytes.NewReader(data), t.TempDir()); err != nil {
		t.Error(err)
	}
}

func TestABackupHoldsNothingThatWasDeleted(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{})
	talk(t, s, place, "M1", time.Now(), "answer")
	talk(t, s, place, "M2", time.Now(), "answer") // the last turn is kept
	if data := backupOf(t, s); bytes.Contains(data, []byte("say M1")) || bytes.Contains(data, []byte("bearer-secret")) {
		t.Error("the inbox of a committed turn is in the backup")
	}
}

// failing reads or writes some bytes, then fails.
type failing struct {
	left int
	err  error
}

func (f *failing) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, f.err
	}
	return len(p), nil
}

func (f *failing) Read(p []byte) (int, error) {
	if f.left == 0 {
		return 0, f.err
	}
	n := min(len(p), f.left)
	f.left -= n
	return n, nil
}

func TestABackupThatCannotBeWrittenOrIsCutOffSaysSo(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{})
	talk(t, s, place, "M1", time.Now(), "answer")
	broken := errors.New("broken pipe")
	for _, left := range []int{0, 10, len(backupOf(t, s)) - 1} {
		if err := s.Backup(t.Context(), &failing{left, broken}); !errors.Is(err, broken) {
			t.Errorf("after %d bytes: %v", left, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Backup(ctx, io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}

func TestEveryDamageToABackupIsFound(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{})
	talk(t, s, place, "M1", time.Now(), "answer")
	data := backupOf(t, s)
	known := func(err error) bool {
		return errors.Is(err, ErrBackupDamaged) || errors.Is(err, ErrNotBackup) || errors.Is(err, ErrBackupNewer) ||
			errors.Is(err, ErrUnreadable) || errors.Is(err, ErrNewerSchema)
	}
	for n := range data {
		if _, err := Inspect(t.Context(), bytes.NewReader(data[:n])); !known(err) {
			t.Fatalf("cut to %d of %d bytes: %v", n, len(data), err)
		}
		for _, bit := range []byte{1, 0x80} {
			flipped := slices.Clone(data)
			flipped[n] ^= bit
			if _, err := Inspect(t.Context(), bytes.NewReader(flipped)); !known(err) {
				t.Fatalf("byte %d of %d changed: %v", n, len(data), err)
			}
		}
	}
	for _, more := range []string{"x", string(data)} {
		if _, err := Inspect(t.Context(), strings.NewReader(string(data)+more)); !errors.Is(err, ErrBackupDamaged) {
			t.Errorf("followed by %d bytes: %v", len(more), err)
		}
	}
}

// with returns the backup of a store whose key was given the value; nil deletes it.
func with(t *testing.T, k, v []byte) []byte {
	t.Helper()
	s := openAt(t, t.TempDir(), Options{})
	accept(t, s, said(place, "M1", "one"))
	err := s.update(func(txn *tx) error {
		if v == nil {
			return txn.Delete(k)
		}
		return txn.Set(k, v)
	})
	if err != nil {
		t.Fatal(err)
	}
	return backupOf(t, s)
}

func TestARestoreThatFailsLeavesNothing(t *testing.T) {
	data := smallBackup(t)
	flipped := slices.Clone(data)
	flipped[len(flipped)/2] ^= 1
	unplugged := errors.New("unplugged")
	for name, c := range map[string]struct {
		from io.Reader
		want error
	}{
		"cut short":     {bytes.NewReader(data[:len(data)-1]), ErrBackupDamaged},
		"changed":       {bytes.NewReader(flipped), ErrBackupDamaged},
		"nothing":       {strings.NewReader(""), ErrNotBackup},
		"another file":  {strings.NewReader(strings.Repeat("PK\x03\x04", 1000)), ErrNotBackup},
		"as text":       {bytes.NewReader(bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))), ErrNotBackup},
		"newer form":    {bytes.NewReader(append([]byte(backupMagic), 2)), ErrBackupNewer},
		"newer schema":  {bytes.NewReader(with(t, []byte("v"), binary.BigEndian.AppendUint64(nil, schema+1))), ErrNewerSchema},
		"broken schema": {bytes.NewReader(with(t, []byte("v"), []byte("1"))), ErrUnreadable},
		"no schema":     {bytes.NewReader(with(t, []byte("v"), nil)), ErrBackupDamaged},
		"broken reader": {io.MultiReader(bytes.NewReader(data[:len(data)/2]), &failing{0, unplugged}), unplugged},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			missing := filepath.Join(dir, "a", "b")
			if err := os.Mkdir(filepath.Join(dir, "a"), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := Restore(t.Context(), c.from, missing); !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
			if _, err := os.Stat(missing); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the directory is there: %v", err)
			}
		})
	}
	t.Run("canceled, into a directory that was there", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		dir := t.TempDir()
		half := io.MultiReader(bytes.NewReader(data[:len(data)/2]), readerFunc(func() { cancel() }), bytes.NewReader(data[len(data)/2:]))
		if err := Restore(ctx, half, dir); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		if names, err := entries(dir); err != nil || len(names) > 0 {
			t.Errorf("it has %v, %v", names, err)
		}
	})
}

// readerFunc does something in place of giving bytes.
type readerFunc func()

func (f readerFunc) Read([]byte) (int, error) { f(); return 0, io.EOF }

func TestARestoreTouchesNoDirectoryWithSomethingInIt(t *testing.T) {
	data := smallBackup(t)
	dir := t.TempDir()
	mine := filepath.Join(dir, "mine.txt")
	if err := os.WriteFile(mine, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Restore(t.Context(), bytes.NewReader(data), dir); !errors.Is(err, ErrNotEmpty) || !strings.Contains(err.Error(), "mine.txt") {
		t.Errorf("error %v", err)
	}
	if err := Restore(t.Context(), bytes.NewReader(data), mine); err == nil {
		t.Error("a file was taken for a directory")
	}
	if text, err := os.ReadFile(mine); err != nil || string(text) != "x" {
		t.Errorf("the file is %q, %v", text, err)
	}
	if err := os.Remove(mine); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "lost+found"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Restore(t.Context(), bytes.NewReader(data), dir); err != nil {
		t.Errorf("into the root of an empty volume: %v", err)
	}
}

func TestARestoreThatWasKilledIsFoundAndRepeated(t *testing.T) {
	data := smallBackup(t)
	dir := t.TempDir()
	if _, err := load(t.Context(), bytes.NewReader(data), dir); err != nil { // as far as it came
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, restoring), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := Open(dir, Options{}); !errors.Is(err, ErrHalfRestored) {
		t.Errorf("open: %v, %v", s, err)
	}
	if err := Restore(t.Context(), bytes.NewReader(data), dir); err != nil {
		t.Fatal(err)
	}
	openAt(t, dir, Options{})
}

func FuzzABackupIsReadWithoutPanicAndNeverTakenForAnother(f *testing.F) {
	f.Add([]byte(backupMagic + "\x01"))
	f.Add([]byte(backupMagic + "\x01\x01v\x00\x00\x00\x01"))
	f.Add([]byte(backupMagic + "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	f.Add(smallBackup(f)[:500])
	f.Fuzz(func(t *testing.T, data []byte) {
		var again bytes.Buffer
		w, err := newRecordWriter(&again)
		if err != nil {
			t.Fatal(err)
		}
		if err := readRecords(t.Context(), bytes.NewReader(data), w.write); err != nil {
			return
		}
		if err := w.end(&again); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again.Bytes(), data) {
			t.Errorf("%q was read as %q", data, again.Bytes())
		}
	})
}
