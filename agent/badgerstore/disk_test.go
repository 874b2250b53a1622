package badgerstore

import (
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"bobbin/agent"
)

func TestBelowTheFloorNewMessagesAreRefusedAndOldOnesFinished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var free atomic.Uint64
		var asked atomic.Int64
		free.Store(100 << 20)
		var log strings.Builder
		s := openAt(t, t.TempDir(), Options{
			Log: slog.New(slog.NewTextHandler(&log, nil)), MinFree: 50 << 20,
			Free: func(string) (uint64, error) { asked.Add(1); return free.Load(), nil },
		})
		accept(t, s, said(place, "M1", "accepted"))
		free.Store(50<<20 - 1)
		accept(t, s, said(place, "M2", "within the same second"))
		time.Sleep(patience)

		_, err := s.Accept(t.Context(), said(place, "M3", "refused"), nil)
		public, ok := errors.AsType[agent.Public](err)
		if !errors.Is(err, ErrDiskFull) || !ok || public.Public() != "I am out of storage and cannot take new messages right now. Please try again later." {
			t.Fatalf("error %v, %v", err, public)
		}
		if !strings.Contains(err.Error(), "49 MiB left") || agent.Explain(err) != public.Public() {
			t.Errorf("error %q", err)
		}
		if fresh, err := s.Accept(t.Context(), said(place, "M1", "delivered again"), nil); fresh || err != nil {
			t.Errorf("what is known is refused: %v, %v", fresh, err)
		}
		turn := begin(t, s, place.Session())
		if len(turn.Inbound) != 2 {
			t.Errorf("the turn answers %d messages", len(turn.Inbound))
		}
		es := []agent.Entry{{Role: agent.RoleAssistant, Text: "done"}}
		if err := errors.Join(s.Append(t.Context(), turn, es...), s.Answer(t.Context(), turn, agent.Outcome{}), s.Commit(t.Context(), turn, es)); err != nil {
			t.Errorf("finish below the floor: %v", err)
		}

		before := asked.Load()
		for range 100 {
			if s.Full() == nil {
				t.Fatal("not full")
			}
		}
		if n := asked.Load() - before; n > 1 {
			t.Errorf("the file system was asked %d times at once", n)
		}
		free.Store(50 << 20)
		time.Sleep(patience)
		accept(t, s, said(place, "M3", "delivered again"))
		if n := strings.Count(log.String(), "refused"); n != 1 || !strings.Contains(log.String(), "accepted again") {
			t.Errorf("the log has:\n%s", log.String())
		}
	})
}

func TestWithoutAFloorOrAnAnswerNobodyIsRefused(t *testing.T) {
	for name, o := range map[string]Options{
		"no floor":  {Free: func(string) (uint64, error) { return 0, nil }},
		"unknown":   {MinFree: 1 << 40, Free: func(string) (uint64, error) { return 0, errors.New("no such device") }},
		"no system": {MinFree: 1 << 40, Free: func(string) (uint64, error) { return 0, errors.ErrUnsupported }},
	} {
		t.Run(name, func(t *testing.T) {
			accept(t, openAt(t, t.TempDir(), o), said(place, "M1", "one"))
		})
	}
}

func TestFreeSpaceIsThatOfTheDirectorysDisk(t *testing.T) {
	free, err := Free(t.TempDir())
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil || free == 0 {
		t.Errorf("%d, %v", free, err)
	}
	if _, err := Free(t.TempDir() + "/none"); err == nil {
		t.Error("a directory that is missing has free space")
	}
}
