package badgerstore

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestTheLogIsFollowedFromFileToFile(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, dir, Options{})
	first := newestLog(t, dir)
	var all sync.WaitGroup
	for w := range 4 {
		all.Go(func() {
			for n := range 120 {
				at := place
				at.Thread = fmt.Sprint(w, "-", n)
				accept(t, s, said(at, at.Thread, strings.Repeat("x", valueThreshold-4000)))
			}
		})
	}
	all.Wait()
	accept(t, s, said(place, "last", "last"))
	if newest := newestLog(t, dir); newest == first || s.wal.path(s.wal.newest) != newest {
		t.Errorf("the log is %s, began as %s, and %s is synced", newest, first, s.wal.path(s.wal.newest))
	}
}

func TestTheLogIsFoundAgainWhenManyFilesHaveComeAndGone(t *testing.T) {
	dir := t.TempDir()
	touch := func(n int) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, logName(n)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	touch(1)
	w, err := openWAL(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, logName(1))); err != nil {
		t.Fatal(err)
	}
	touch(3 + maxAhead)
	if err := w.sync(); err != nil || w.newest != 3+maxAhead {
		t.Errorf("file %d is synced, error %v", w.newest, err)
	}
	if err := w.close(); err != nil {
		t.Error(err)
	}
}

func newestLog(t *testing.T, dir string) string {
	t.Helper()
	logs, err := filepath.Glob(filepath.Join(dir, "*.mem"))
	if err != nil || len(logs) == 0 {
		t.Fatalf("no log in %s, error %v", dir, err)
	}
	return logs[len(logs)-1]
}
