//go:build linux

package badgerstore

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

// tinyDisk mounts a file system of its own, where the test may.
func tinyDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=0700,size="+size); err != nil {
		t.Skipf("a disk to fill cannot be mounted: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return dir
}

// fill leaves the disk with so many free bytes.
func fill(t *testing.T, dir string, left uint64) (ballast string) {
	t.Helper()
	ballast = filepath.Join(dir, "ballast")
	f, err := os.Create(ballast)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	block := make([]byte, 64<<10)
	for {
		free, err := Free(dir)
		if err != nil {
			t.Fatal(err)
		}
		if free < left+uint64(len(block)) {
			return ballast
		}
		if _, err := f.Write(block); errors.Is(err, unix.ENOSPC) {
			return ballast
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func TestADiskThatFillsUpRefusesAndRecovers(t *testing.T) {
	disk := tinyDisk(t, "96m")
	synctest.Test(t, func(t *testing.T) { // for the second that an answer of the file system is good for
		s := openAt(t, filepath.Join(disk, "data"), Options{MinFree: 32 << 20})
		accept(t, s, said(place, "M1", "accepted"))
		ballast := fill(t, disk, 31<<20)
		time.Sleep(patience)
		if _, err := s.Accept(t.Context(), said(place, "M2", "refused"), nil); !errors.Is(err, ErrDiskFull) {
			t.Fatalf("error %v", err)
		}
		turn := begin(t, s, place.Session())
		if err := s.Commit(t.Context(), turn, turn.Transcript()); err != nil {
			t.Errorf("finish what was accepted: %v", err)
		}
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		time.Sleep(patience)
		accept(t, s, said(place, "M2", "delivered again"))
		if got := fmt.Sprint(history(t, s, place)); !strings.Contains(got, "accepted") {
			t.Errorf("history %s", got)
		}
	})
}

// fullDiskChild is set for the process that writes until the disk is full.
const fullDiskChild = "BOBBIN_TEST_FULL_DISK"

// Without a floor a full disk ends the process, wherever it is. That must cost nothing
// that was accepted.
func TestWhatWasAcceptedSurvivesADiskThatIsReallyFull(t *testing.T) {
	if dir := os.Getenv(fullDiskChild); dir != "" {
		writeUntilFull(t, dir)
		return
	}
	disk := tinyDisk(t, "64m")
	dir := filepath.Join(disk, "data")
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	accept(t, s, said(place, "first", "accepted"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	ballast := fill(t, disk, 4<<20)

	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	child.Env = append(os.Environ(), fullDiskChild+"="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var accepted []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if id, ok := strings.CutPrefix(lines.Text(), "accepted "); ok {
			accepted = append(accepted, id)
		}
	}
	_, _ = io.Copy(io.Discard, out) // lines too long for the scanner
	t.Logf("%d messages were accepted before the disk was full; then: %v", len(accepted), child.Wait())
	if len(accepted) == 0 {
		t.Fatal("no message was accepted: the disk was full from the start")
	}

	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, dir, Options{})
	for _, id := range append(accepted, "first") {
		if fresh, err := s.Accept(t.Context(), said(place, id, ""), nil); fresh || err != nil {
			t.Errorf("message %s was accepted and is gone: %v", id, err)
		}
	}
	found := map[string]bool{}
	for {
		turn, err := s.Begin(t.Context(), place.Session())
		if err != nil {
			t.Fatal(err)
		}
		if turn == nil {
			break
		}
		for _, in := range turn.Inbound {
			found[string(in.MessageID)] = true
		}
		if err := s.Commit(t.Context(), turn, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range accepted {
		if !found[id] {
			t.Errorf("message %s was accepted and is not answered", id)
		}
	}
}

func writeUntilFull(t *testing.T, dir string) {
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10_000 {
		id := fmt.Sprint("M", i)
		if _, err := s.Accept(t.Context(), said(place, id, strings.Repeat(id, 2000)), nil); err != nil {
			t.Fatal(err)
		}
		fmt.Println("accepted", id)
	}
}
