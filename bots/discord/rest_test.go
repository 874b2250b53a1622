package discord

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"bobbin/agent"
	"bobbin/bots"
	"bobbin/bots/sandbox"
)

func TestRateLimitsAreReturnedAndKept(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		to := r.asked("hi")
		for name, fault := range map[string]sandbox.DiscordFault{
			"in the body":   {Status: 429, Body: `{"message":"slow","retry_after":3,"global":false}`},
			"in the header": {Status: 429, Body: "<html>blocked", Header: http.Header{"Retry-After": {"3"}}},
			"global":        {Status: 429, Body: `{"message":"slow","retry_after":3,"global":true}`},
		} {
			fault.Route = fakeSend
			r.fake.Inject(fault)
			before := r.fake.Calls(fakeSend)
			for range 3 {
				_, err := r.bot.Post(r.ctx, to, "K-1", bots.Message{Text: "hello"})
				wait, ok := errors.AsType[*bots.RetryAfterError](err)
				if !ok || wait.After > 3*time.Second || wait.After < 2*time.Second {
					t.Fatalf("%s: error is %v", name, err)
				}
			}
			if n := r.fake.Calls(fakeSend) - before; n != 1 {
				t.Errorf("%s: asked %d times, want 1: the limit was known", name, n)
			}
			time.Sleep(4 * time.Second)
			r.post(to, "K-1", "hello")
		}
		r.want(to.Thread, "hello")
	})
}

func TestHeadersKeepEditsBelowTheLimit(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		to := r.asked("hi")
		id := r.post(to, "K-1", "0")
		for n := range 30 {
			for {
				err := r.bot.Edit(r.ctx, to, id, bots.Message{Text: strings.Repeat("x", n+1)})
				wait, ok := errors.AsType[*bots.RetryAfterError](err)
				if !ok {
					if err != nil {
						t.Fatal(err)
					}
					break
				}
				time.Sleep(wait.After)
			}
		}
		if n := r.fake.Limited(fakeEdit); n != 0 {
			t.Errorf("refused %d times", n)
		}
	})
}

func TestErrorsOfPostsAndEdits(t *testing.T) {
	body := func(code string) string { return `{"message":"no","code":` + code + `}` }
	open := errors.New("left open")
	for name, c := range map[string]struct {
		status     int
		body       string
		post, edit error
	}{
		"unknown channel":   {404, body("10003"), agent.ErrUndeliverable, agent.ErrUndeliverable},
		"missing access":    {403, body("50001"), agent.ErrUndeliverable, agent.ErrUndeliverable},
		"no permission":     {403, body("50013"), agent.ErrUndeliverable, bots.ErrGone},
		"no direct message": {403, body("50007"), agent.ErrUndeliverable, agent.ErrUndeliverable},
		"locked":            {403, body("160005"), agent.ErrUndeliverable, agent.ErrUndeliverable},
		"unknown message":   {404, body("10008"), agent.ErrUndeliverable, bots.ErrGone},
		"edit quota":        {400, body("30046"), bots.ErrRejected, bots.ErrGone},
		"moderated":         {400, body("200000"), bots.ErrRejected, bots.ErrGone},
		"unauthorised":      {401, body("0"), open, open},
		"server":            {503, "upstream", open, open},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, setup{}, func(r *rig) {
				dm := r.fake.OpenDM("ada")
				to := agent.Target{Address: agent.Address{Platform: Name, Channel: dm}}
				id := r.post(to, "K-1", "hello")
				r.fake.Inject(sandbox.DiscordFault{Route: fakeSend, Status: c.status, Body: c.body})
				r.fake.Inject(sandbox.DiscordFault{Route: fakeEdit, Status: c.status, Body: c.body})
				_, perr := r.bot.Post(r.ctx, to, "K-2", bots.Message{Text: "hello"})
				eerr := r.bot.Edit(r.ctx, to, id, bots.Message{Text: "hello"})
				for _, x := range []struct{ got, want error }{{perr, c.post}, {eerr, c.edit}} {
					if x.want == open {
						if x.got == nil || errors.Is(x.got, agent.ErrUndeliverable) || errors.Is(x.got, bots.ErrGone) {
							t.Errorf("error is %v, want one that leaves it open", x.got)
						}
						continue
					}
					wantErr(t, x.got, x.want)
				}
			})
		})
	}
}

func TestOldMessagesLongQuotaMeansANewMessage(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		to := r.asked("hi")
		id := r.post(to, "K-1", "hello")
		r.fake.Inject(sandbox.DiscordFault{Route: fakeEdit, Status: 429, Body: `{"code":30046,"message":"quota","retry_after":1800}`})
		wantErr(t, r.bot.Edit(r.ctx, to, id, bots.Message{Text: "x"}), bots.ErrGone)
	})
}

func TestCallsEndWithTheirContext(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		to := r.asked("hi")
		r.fake.Inject(sandbox.DiscordFault{Route: fakeSend, Times: -1, Delay: time.Hour})
		ctx, cancel := context.WithTimeout(r.ctx, time.Second)
		defer cancel()
		began := time.Now()
		if _, err := r.bot.Post(ctx, to, "K-1", bots.Message{Text: "x"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error is %v", err)
		}
		if d := time.Since(began); d != time.Second {
			t.Errorf("took %v", d)
		}
	})
}
