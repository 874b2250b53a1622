package discord

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"bobbin/bots"
)

func TestCallsOfAllKindsKeepToTheLimitOfTheAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stile := newTurnstile()
		post := call{method: http.MethodPost, route: "POST channels/1/messages"}
		thread := call{method: http.MethodPost, route: "threads"}
		var mu sync.Mutex
		var made []time.Time
		var wg sync.WaitGroup
		for i := range 300 {
			c := post
			if i%2 == 0 {
				c = thread
			}
			wg.Go(func() {
				if err := stile.pass(t.Context(), c); err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				made = append(made, time.Now())
			})
		}
		wg.Wait()
		slices.SortFunc(made, time.Time.Compare)
		for i := range made[accountCalls:] {
			if d := made[i+accountCalls].Sub(made[i]); d < time.Second {
				t.Fatalf("%d calls were made in %v", accountCalls+1, d)
			}
		}
		if took := made[len(made)-1].Sub(made[0]); took > 300/accountCalls*accountPeriod {
			t.Errorf("they took %v", took)
		}
	})
}

func TestCallThatCanBeSparedDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stile, began := newTurnstile(), time.Now()
		spared := 0
		for range 50 {
			err := stile.pass(t.Context(), call{what: "show typing", spare: true})
			if late, ok := errors.AsType[*bots.RetryAfterError](err); ok && late.Unsent && late.After > 0 {
				spared++
			} else if err != nil {
				t.Fatal(err)
			}
		}
		if spared == 0 || spared == 50 || time.Since(began) > 0 {
			t.Errorf("%d of 50 were spared after %v", spared, time.Since(began))
		}
	})
}

func TestCallThatWaitsForOthersEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stile := newTurnstile()
		post := call{what: "post", method: http.MethodPost, route: "POST channels/1/messages"}
		for range accountCalls {
			if err := stile.pass(t.Context(), post); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := stile.pass(ctx, post); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		if err := stile.pass(ctx, call{hook: true}); err != nil {
			t.Errorf("what has no such limit: %v", err)
		}
	})
}
