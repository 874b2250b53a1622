package main

import (
	"context"
	"io"
	"os/exec"
	"strings"
	"testing"

	"bobbin/agent"
)

// The long form is “bobbin torture”. A failure prints the seed that replays it.
func TestNothingIsLostAndNothingComesTwiceUnderKill(t *testing.T) {
	if testing.Short() {
		t.Skip("kills a daemon for half a minute")
	}
	t.Parallel() // it waits most of the time
	var out strings.Builder
	torture := torture{
		tortureCmd: tortureCmd{Kills: 12, Messages: 60},
		out:        &out,
		command: func(ctx context.Context, args ...string) *exec.Cmd {
			return exec.CommandContext(ctx, "bobbin", args...) // TestMain puts it into PATH
		},
	}
	if err := torture.run(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	for _, kind := range killKinds {
		if torture.report.kills[kind] == 0 {
			t.Errorf("the daemon was never killed %s", kind)
		}
	}
	t.Log(out.String())
}

func TestTortureNoticesBrokenPromises(t *testing.T) {
	w, err := newTortureWorld(t.Context(), tortureCmd{Messages: 4, Seed: 1}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := w.close(); err != nil {
			t.Error(err)
		}
	}()
	w.release(4)
	if err := w.write(t.Context(), 4); err != nil {
		t.Fatal(err)
	}
	w.effects["msg-1"] = 2
	r := tortureReport{tortureCmd: tortureCmd{Messages: 4}}
	w.judgeDead(&r, []turnLine{{ID: "t1", Session: agent.Address{Platform: "discord", Channel: "general"}.Session(), Messages: 1, State: "it failed or was cut off 3 times", Said: "msg-4 please"}})
	w.check(&r)
	wrong := r.String()
	for _, want := range []string{
		"msg-1 is answered 0 times", "msg-2 is answered 0 times", "side effect of msg-1 happened 2 times",
		"4 messages were not answered, but 1 were set aside", "given up for what another did",
		"1 times bobbin gave up in general, and people were not told",
		"says 0 times that it gave up, which it did 1 times",
	} {
		if !strings.Contains(wrong, want) {
			t.Errorf("not noticed: %s; noticed:\n%s", want, wrong)
		}
	}
}
