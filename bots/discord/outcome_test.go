package discord

import (
	"errors"
	"testing"

	"bobbin/agent"
	"bobbin/bots"
	"bobbin/bots/sandbox"
)

// Whatever has become of the place or the message, Post and Edit say which: others may
// be posted, nothing can be, or it is open.
func TestEveryFateOfAnAnswerHasItsOutcome(t *testing.T) {
	const closed = `{"message":"no","code":50013}`
	open := errors.New("left open")
	for name, c := range map[string]struct {
		spoil      func(r *rig, to agent.Target, id string) error
		post, edit error // nil: it works
	}{
		"message deleted":    {func(r *rig, to agent.Target, id string) error { return r.fake.Remove(to.Thread, id) }, nil, bots.ErrGone},
		"thread at rest":     {func(r *rig, to agent.Target, _ string) error { return r.fake.Archive(to.Thread, true, false) }, nil, nil},
		"thread locked":      {func(r *rig, to agent.Target, _ string) error { return r.fake.Archive(to.Thread, true, true) }, agent.ErrUndeliverable, bots.ErrGone},
		"thread deleted":     {func(r *rig, to agent.Target, _ string) error { return r.fake.RemoveChannel(to.Thread) }, agent.ErrUndeliverable, agent.ErrUndeliverable},
		"thread out of view": {func(r *rig, to agent.Target, _ string) error { return r.fake.Hide(to.Thread, true) }, agent.ErrUndeliverable, agent.ErrUndeliverable},
		"bot removed": {func(r *rig, _ agent.Target, _ string) error {
			for _, route := range []string{fakeSend, fakeEdit, fakeThreads} {
				r.fake.Inject(sandbox.DiscordFault{Route: route, Times: -1, Status: 404, Body: `{"message":"Unknown Guild","code":10004}`})
			}
			return nil
		}, agent.ErrUndeliverable, agent.ErrUndeliverable},
		"writing forbidden": {func(r *rig, _ agent.Target, _ string) error {
			for _, route := range []string{fakeSend, fakeEdit} {
				r.fake.Inject(sandbox.DiscordFault{Route: route, Times: -1, Status: 403, Body: closed})
			}
			return nil
		}, agent.ErrUndeliverable, bots.ErrGone},
		"old message's quota": {func(r *rig, _ agent.Target, _ string) error {
			r.fake.Inject(sandbox.DiscordFault{Route: fakeEdit, Status: 400, Body: `{"message":"quota","code":30046}`})
			return nil
		}, nil, bots.ErrGone},
		"success with an error inside": {func(r *rig, _ agent.Target, _ string) error {
			for _, route := range []string{fakeSend, fakeEdit} {
				r.fake.Inject(sandbox.DiscordFault{Route: route, Times: -1, Status: 200, Body: `{"message":"internal error","code":0}`})
			}
			return nil
		}, open, open},
		"success with nonsense inside": {func(r *rig, _ agent.Target, _ string) error {
			for _, route := range []string{fakeSend, fakeEdit} {
				r.fake.Inject(sandbox.DiscordFault{Route: route, Times: -1, Status: 200, Body: `<html>`})
			}
			return nil
		}, open, open},
		"edit that was lost": {func(r *rig, _ agent.Target, _ string) error {
			r.fake.Inject(sandbox.DiscordFault{Route: fakeEdit, Status: 502, Body: `<html>`})
			return nil
		}, nil, open},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, setup{}, func(r *rig) {
				to := r.asked("hi")
				id := r.post(to, "K-1", "hello")
				at, err := parsePlace(id)
				if err != nil {
					t.Fatal(err)
				}
				if err := c.spoil(r, to, at.message); err != nil {
					t.Fatal(err)
				}
				eerr := r.bot.Edit(r.ctx, to, id, bots.Message{Text: "hello!"})
				_, perr := r.bot.Post(r.ctx, to, "K-2", bots.Message{Text: "more"})
				for what, x := range map[string]struct{ got, want error }{"post": {perr, c.post}, "edit": {eerr, c.edit}} {
					switch {
					case x.want == nil && x.got == nil:
					case x.want == nil:
						t.Errorf("%s: %v", what, x.got)
					case errors.Is(x.want, open):
						if x.got == nil || errors.Is(x.got, agent.ErrUndeliverable) || errors.Is(x.got, bots.ErrGone) {
							t.Errorf("%s: error is %v, want one that leaves it open", what, x.got)
						}
					case !errors.Is(x.got, x.want):
						t.Errorf("%s: error is %v, want one that is %q", what, x.got, x.want)
					}
				}
			})
		})
	}
}
