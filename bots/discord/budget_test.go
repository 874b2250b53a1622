package discord

import (
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"bobbin/agent"
	"bobbin/bots"
	"bobbin/bots/sandbox"
)

func TestAnswersSayWhatIsLeftOfTheBudget(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		var mu sync.Mutex
		var said []bots.Usage
		r.bot.Meter(func(u bots.Usage) {
			mu.Lock()
			defer mu.Unlock()
			if u.Reset > 4*time.Second && u.Reset < 6*time.Second {
				u.Reset = 5 * time.Second
			}
			said = append(said, u)
		})
		dm := agent.Target{Address: agent.Address{Platform: Name, Channel: r.fake.OpenDM("ada")}}
		id := r.post(dm, "K-1", "hello")
		if _, err := r.bot.Typing(r.ctx, dm, "thinking"); err != nil {
			t.Fatal(err)
		}
		if err := r.bot.Edit(r.ctx, dm, id, bots.Message{Text: "hello!"}); err != nil {
			t.Fatal(err)
		}
		r.fake.Inject(sandbox.DiscordFault{Route: fakeSend, Status: 429, Body: `{"retry_after":3}`,
			Header: http.Header{"X-Ratelimit-Limit": {"7"}, "X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset-After": {"3.5"}}})
		_, err := r.bot.Post(r.ctx, dm, "K-2", bots.Message{Text: "hello"})
		if late, ok := errors.AsType[*bots.RetryAfterError](err); !ok || late.Unsent || late.Scope != "" {
			t.Errorf("the refusal is %+v", err)
		}
		for _, nonsense := range []string{"", "x", "1e999"} {
			r.fake.Inject(sandbox.DiscordFault{Route: fakeEdit, Status: 503,
				Header: http.Header{"X-Ratelimit-Limit": {nonsense}, "X-Ratelimit-Remaining": {nonsense}, "X-Ratelimit-Reset-After": {nonsense}}})
			if err := r.bot.Edit(r.ctx, dm, id, bots.Message{Text: "?"}); err == nil {
				t.Fatal("no error")
			}
		}
		b := r.bot.Budget(dm)
		want := []bots.Usage{
			{Scope: b.Post.Scope, Limit: 5, Remaining: 4, Reset: 5 * time.Second},
			{Scope: b.Edit.Within.Scope, Spent: 1},
			{Scope: b.Edit.Scope, Limit: 5, Remaining: 4, Reset: 5 * time.Second},
			{Scope: b.Post.Scope, Limit: 7, Remaining: 0, Reset: 3500 * time.Millisecond},
		}
		if !slices.Equal(said, want) {
			t.Errorf("reported %+v, want %+v", said, want)
		}
	})
}

func TestRefusalOfAllCallsNamesTheScopeOfTheAccount(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		dm := agent.Target{Address: agent.Address{Platform: Name, Channel: r.fake.OpenDM("ada")}}
		r.fake.Inject(sandbox.DiscordFault{Route: fakeSend, Status: 429, Body: `{"retry_after":3,"global":true}`})
		for i, unsent := range []bool{false, true} {
			_, err := r.bot.Post(r.ctx, dm, "K-1", bots.Message{Text: "hello"})
			late, ok := errors.AsType[*bots.RetryAfterError](err)
			if !ok || late.Unsent != unsent || late.Scope != r.bot.Budget(dm).Post.Within.Scope {
				t.Errorf("refusal %d is %+v", i, late)
			}
		}
	})
}
