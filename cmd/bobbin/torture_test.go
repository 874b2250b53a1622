package main

import (
	"context"
	"os/exec"
	"strings"
	"testing"
)

// The long form is “bobbin torture”. A failure prints the seed that replays it.
func TestNothingIsLostAndNothingComesTwiceUnderKill(t *testing.T) {
	if testing.Short() {
		t.Skip("kills a daemon for half a minute")
	}
	var out strings.Builder
	torture := torture{
		tortureCmd: tortureCmd{Kills: 6, Messages: 60},
		out:        &out,
		command: func(ctx context.Context, args ...string) *exec.Cmd {
			return exec.CommandContext(ctx, "bobbin", args...) // TestMain puts it into PATH
		},
	}
	if err := torture.run(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	t.Log(out.String())
}

func TestTortureNoticesBrokenPromises(t *testing.T) {
	w, err := newTortureWorld(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := w.close(); err != nil {
			t.Error(err)
		}
	}()
	if err := w.write(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	w.effects["msg-1"] = 2
	wrong := strings.Join(w.check(2).wrong, "\n")
	for _, want := range []string{"msg-1 is answered 0 times", "msg-2 is answered 0 times", "side effect of msg-1 happened 2 times"} {
		if !strings.Contains(wrong, want) {
			t.Errorf("not noticed: %s; noticed:\n%s", want, wrong)
		}
	}
}
