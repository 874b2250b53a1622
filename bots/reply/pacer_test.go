package reply

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"bobbin/bots"
)

// grants queues n places one after the other, each when the one before was granted, and
// returns when that was, in milliseconds.
func grants(p *pacer, r bots.Rate, u urgency, n int) (at []time.Duration) {
	began := time.Now()
	for range n {
		<-ask(p, r, u, time.Now()).granted
		at = append(at, time.Since(began)/time.Millisecond)
	}
	return at
}

// asked is a place with a channel that is closed when its call may be made.
type asked struct {
	*place
	granted chan struct{}
}

func ask(p *pacer, r bots.Rate, u urgency, since time.Time) asked {
	granted := make(chan struct{})
	grant := sync.OnceFunc(func() { close(granted) })
	w := p.queue(r, u, since, grant)
	if !p.waits(w) {
		grant()
	}
	return asked{w, granted}
}

func (p *pacer) inUse() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.lanes)
}

func refuse(p *pacer, r bots.Rate, after time.Duration) {
	w := ask(p, r, final, time.Now())
	<-w.granted
	p.refused(w.place, &bots.RetryAfterError{After: after, Err: errLost})
}

func TestFinalTextsUseTheBurstAtOnceAndThenGoOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rate := bots.Rate{Scope: "s", Every: 300 * time.Millisecond, Burst: 3}
		if at, want := grants(newPacer(), rate, final, 6), []time.Duration{0, 0, 0, 300, 600, 900}; !slices.Equal(at, want) {
			t.Errorf("granted at %v ms, want %v", at, want)
		}
	})
}

func TestEditsOfManyRepliesAreSpreadAndLeaveTheBurstToFinalTexts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, rate := newPacer(), bots.Rate{Scope: "s", Every: time.Second, Burst: 5}
		var waiting []asked
		for range 1000 {
			waiting = append(waiting, ask(p, rate, stale, time.Now()))
		}
		time.Sleep(20500 * time.Millisecond)
		n := 0
		for _, w := range waiting {
			select {
			case <-w.granted:
				n++
			default:
			}
		}
		if n < 21 || n > 22 {
			t.Errorf("%d edits in 20.5 s", n)
		}
		if at, want := grants(p, rate, final, 4), []time.Duration{0, 0, 0, 0}; !slices.Equal(at, want) {
			t.Errorf("final texts granted at %v ms, want %v", at, want)
		}
		for _, w := range waiting {
			p.leave(w.place)
		}
	})
}

func TestReplyAloneBeginsFastAndNeverUsesTheWindowUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rate := bots.Rate{Scope: "s", Every: 1200 * time.Millisecond, Burst: 8, Window: time.Minute}
		at := grants(newPacer(), rate, stale, 300)
		if at[0] != 0 || at[1] > 700 || at[10] > 9500 {
			t.Errorf("it begins with %v ms", at[:11])
		}
		for i := range at[1:] {
			if gap := at[i+1] - at[i]; gap > 1500 {
				t.Errorf("nothing between %d and %d ms", at[i], at[i+1])
			}
			if i >= 50 && at[i]-at[i-50] < 60000 {
				t.Errorf("51 calls between %d and %d ms", at[i-50], at[i])
			}
		}
		if at[299] > 299*1240 {
			t.Errorf("300 calls in %d ms", at[299])
		}
	})
}

func TestPacerPrefersWhatHasBeenStaleForLongerToWhatAskedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, rate := newPacer(), bots.Rate{Scope: "s", Every: time.Second, Burst: 1}
		<-ask(p, rate, stale, time.Now()).granted
		fresh, old := ask(p, rate, stale, time.Now()), ask(p, rate, stale, time.Now().Add(-time.Minute))
		select {
		case <-old.granted:
		case <-fresh.granted:
			t.Error("the one that asked first was granted first")
		}
		p.leave(fresh.place)
		p.leave(old.place)
	})
}

func TestPlaceThatIsGivenUpCostsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := bots.Limit{Scope: "all", Every: time.Hour, Burst: 1, Window: time.Hour}
		p, rate := newPacer(), bots.Rate{Scope: "s", Every: time.Hour, Burst: 1, Window: time.Hour, Within: all}
		used := ask(p, rate, stale, time.Now())
		<-used.granted
		waiting, next := ask(p, rate, stale, time.Now()), ask(p, rate, stale, time.Now().Add(1))
		p.leave(waiting.place)
		p.leave(used.place) // was not used after all
		synctest.Wait()
		select {
		case <-waiting.granted:
			t.Error("granted to one who has left")
		default:
		}
		<-next.granted
		if d := time.Since(epoch); d != 0 {
			t.Errorf("granted after %v", d)
		}
		p.leave(next.place)
		if p.inUse() != 0 {
			t.Error("a full budget is kept")
		}
	})
}

func TestLongerWaitIsNotCutShortByAShorterOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, rate := newPacer(), bots.Rate{Scope: "s", Every: time.Second, Burst: 5}
		long, short := ask(p, rate, final, time.Now()), ask(p, rate, final, time.Now())
		p.refused(long.place, &bots.RetryAfterError{After: time.Minute})
		p.refused(short.place, &bots.RetryAfterError{After: time.Second})
		<-ask(p, rate, final, time.Now()).granted
		if d := time.Since(epoch); d != time.Minute {
			t.Errorf("granted after %v", d)
		}
	})
}

func TestCallNeedsTheLeaveOfBothItsLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, all := newPacer(), bots.Limit{Scope: "all", Every: 100 * time.Millisecond, Burst: 2}
		rate := func(scope string) bots.Rate {
			return bots.Rate{Scope: scope, Every: time.Second, Burst: 1, Within: all}
		}
		var mu sync.Mutex
		at := make(map[string]time.Duration)
		for _, scope := range []string{"a", "b", "c"} {
			for range 2 {
				w := ask(p, rate(scope), final, time.Now())
				go func() {
					<-w.granted
					mu.Lock()
					defer mu.Unlock()
					at[scope] = time.Since(epoch)
				}()
			}
		}
		time.Sleep(150 * time.Millisecond)
		mu.Lock()
		if at["a"] != 0 || at["b"] != 0 || at["c"] != 100*time.Millisecond {
			t.Errorf("first calls at %v", at)
		}
		mu.Unlock()
		time.Sleep(5 * time.Second)
		mu.Lock()
		defer mu.Unlock()
		if at["a"] != time.Second || at["b"] < time.Second || at["c"] < 1100*time.Millisecond || at["c"] > 1200*time.Millisecond {
			t.Errorf("second calls at %v", at)
		}
		if n := p.inUse(); n != 0 {
			t.Errorf("%d limits are kept", n)
		}
	})
}

func TestMostUrgentGoesFirstAmongScopesThatShareALimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, all := newPacer(), bots.Limit{Scope: "all", Every: time.Second, Burst: 1}
		rate := func(scope string) bots.Rate { return bots.Rate{Scope: scope, Within: all} }
		<-ask(p, rate("z"), stale, time.Now()).granted
		order := make(chan string, 4)
		for scope, u := range map[string]urgency{"d": stale, "c": stale, "b": first, "a": final} {
			since := time.Now()
			if scope == "c" {
				since = since.Add(-time.Second)
			}
			w := ask(p, rate(scope), u, since)
			go func() {
				<-w.granted
				order <- scope
			}()
		}
		if got := (<-order) + <-order + <-order + <-order; got != "abcd" {
			t.Errorf("order is %s", got)
		}
	})
}

func TestRefusalOfTheSharedLimitHoldsAllWithinIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, all := newPacer(), bots.Limit{Scope: "all", Every: time.Millisecond, Burst: 10}
		rate := func(scope string) bots.Rate {
			return bots.Rate{Scope: scope, Every: time.Millisecond, Burst: 10, Within: all}
		}
		w := ask(p, rate("a"), final, time.Now())
		p.refused(w.place, &bots.RetryAfterError{After: time.Minute, Err: errLost, Scope: "all"})
		if at := grants(p, rate("b"), final, 1); at[0] != 60000 {
			t.Errorf("another was granted at %v ms", at)
		}
		time.Sleep(time.Minute)
		w = ask(p, rate("a"), final, time.Now())
		p.refused(w.place, &bots.RetryAfterError{After: time.Minute, Err: errLost})
		if at := grants(p, rate("b"), final, 1); at[0] != 0 {
			t.Errorf("a refusal of one scope held up another until %v ms", at)
		}
	})
}

func TestRateIsCutOnceForCallsThatWereUnderWayTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, rate := newPacer(), bots.Rate{Scope: "s", Every: time.Second, Burst: 4}
		var under []asked
		for range 3 {
			under = append(under, ask(p, rate, final, time.Now()))
		}
		time.Sleep(100 * time.Millisecond)
		for _, w := range under {
			p.refused(w.place, &bots.RetryAfterError{After: time.Second, Err: errLost})
		}
		if at, want := grants(p, rate, final, 3), []time.Duration{1000, 3000, 5000}; !slices.Equal(at[:1], want[:1]) || at[2] < 4800 || at[2] > 5000 {
			t.Errorf("granted at %v ms, want %v", at, want)
		}
	})
}

func TestLearnedRateIsRememberedAndRecoversSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, rate := newPacer(), bots.Rate{Scope: "s", Every: time.Second, Burst: 1}
		refuse(p, rate, time.Second)
		share := func(after time.Duration) float64 {
			time.Sleep(after)
			if p.inUse() != 0 {
				t.Fatal("the lane is kept")
			}
			at := grants(p, rate, final, 2)
			return 1000 / float64(at[1])
		}
		if s := share(time.Minute); s < 0.5 || s > 0.6 {
			t.Errorf("after a minute the rate is %v", s)
		}
		if s := share(5 * time.Minute); s < 0.75 || s > 0.85 {
			t.Errorf("after six minutes the rate is %v", s)
		}
		if s := share(5 * time.Minute); s != 1 || len(p.lessons) != 0 {
			t.Errorf("after eleven minutes the rate is %v", s)
		}
	})
}

func TestRateThatWasRefusedAgainIsNotTriedForAWhile(t *testing.T) {
	now := epoch
	s := lesson{}.after(now, now, now)
	for s.factor(now) < 0.6 {
		now = now.Add(time.Minute)
	}
	refused := s.factor(now)
	s = s.after(now, now, now)
	for range wary {
		if f := s.factor(now); f >= refused || f < refused/2 {
			t.Errorf("%v after %v was refused", f, refused)
		}
		now = now.Add(time.Minute)
	}
	if f := s.factor(now); f < 0.85*refused {
		t.Errorf("%v is not near %v", f, refused)
	}
	if f := s.factor(now.Add(15 * time.Minute)); f != 1 {
		t.Errorf("it never tries whether more is allowed now, %v", f)
	}
	for range 100 {
		now = now.Add(time.Second)
		s = s.after(now, now, now)
	}
	if f := s.factor(now); f != slowest {
		t.Errorf("a hundred refusals cut the rate to %v", f)
	}
}

func TestCallThatWasNotSentTeachesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, rate := newPacer(), bots.Rate{Scope: "s", Every: time.Second, Burst: 1}
		w := ask(p, rate, final, time.Now())
		p.refused(w.place, &bots.RetryAfterError{After: 10 * time.Second, Err: errLost, Unsent: true})
		if at, want := grants(p, rate, final, 3), []time.Duration{10000, 11000, 12000}; !slices.Equal(at, want) {
			t.Errorf("granted at %v ms, want %v", at, want)
		}
	})
}

func TestPlatformsOwnCountIsObeyed(t *testing.T) {
	rate := bots.Rate{Scope: "s", Every: time.Second, Burst: 5, Window: 5 * time.Second}
	for name, tc := range map[string]struct {
		says bots.Usage
		want []time.Duration // of five final texts
	}{
		"nothing is left":       {bots.Usage{Scope: "s", Limit: 5, Remaining: 0, Reset: 3 * time.Second}, []time.Duration{3000, 3000, 3000, 3000}},
		"others have used it":   {bots.Usage{Scope: "s", Limit: 5, Remaining: 2, Reset: 3 * time.Second}, []time.Duration{0, 0, 3000, 3000}},
		"fewer are allowed":     {bots.Usage{Scope: "s", Limit: 2, Remaining: 1, Reset: 5 * time.Second}, []time.Duration{0, 5100, 5100, 10200}},
		"another scope":         {bots.Usage{Scope: "t", Limit: 5, Remaining: 0, Reset: 3 * time.Second}, []time.Duration{0, 0, 0, 0}},
		"a quota and no pace":   {bots.Usage{Scope: "s", Limit: 5, Remaining: 0, Reset: time.Hour}, []time.Duration{0, 0, 0, 0}},
		"nonsense":              {bots.Usage{Scope: "s", Limit: -1, Remaining: -7, Reset: -time.Hour}, []time.Duration{0, 0, 0, 0}},
		"calls besides edits":   {bots.Usage{Scope: "s", Spent: 3}, []time.Duration{0, 5100, 5100, 5100}},
		"more than can be kept": {bots.Usage{Scope: "s", Limit: 1 << 40, Remaining: 1 << 40, Reset: 5 * time.Second}, []time.Duration{0, 0, 0, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPacer()
				<-ask(p, rate, final, time.Now()).granted
				p.report(tc.says)
				if at := grants(p, rate, final, 4); !slices.Equal(at, tc.want) {
					t.Errorf("granted at %v ms, want %v", at, tc.want)
				}
			})
		})
	}
}

func TestAnswerOfAnEarlierWindowIsNotTakenForThisOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, rate := newPacer(), bots.Rate{Scope: "s", Every: time.Second, Burst: 5, Window: 5 * time.Second}
		<-ask(p, rate, final, time.Now()).granted
		p.report(bots.Usage{Scope: "s", Limit: 5, Remaining: 4, Reset: 5 * time.Second})
		p.report(bots.Usage{Scope: "s", Limit: 5, Remaining: 0, Reset: time.Millisecond})
		if at := grants(p, rate, final, 1); at[0] != 0 {
			t.Errorf("granted at %v ms", at)
		}
	})
}

// BenchmarkPacer is the cost of one grant, from asking to being told, with so many others
// waiting for the same limit, or each in a scope of its own within it.
func BenchmarkPacer(b *testing.B) {
	for _, n := range []int{1, 500, 5000} {
		for _, scopes := range slices.Compact([]int{1, n}) {
			b.Run(fmt.Sprintf("waiting=%d/scopes=%d", n, scopes), func(b *testing.B) {
				told := false
				p, on := newPacer(), new(play)
				p.now = func() time.Time { return epoch.Add(on.now) }
				p.after = func(d time.Duration, f func()) func() bool { return on.at(on.now+d, f) }
				rate := bots.Rate{Scope: "all", Every: 20 * time.Millisecond, Burst: 10, Window: time.Second}
				tell := func() { told = true }
				next := func(i int) {
					r := rate
					if scopes > 1 {
						r = bots.Rate{Scope: fmt.Sprint(i % scopes), Within: boundOf(rate)}
					}
					if w := p.queue(r, stale, p.now(), tell); !p.waits(w) {
						tell()
					}
				}
				for i := range n {
					next(i)
				}
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					for !told {
						on.next()
					}
					told = false
					next(i)
					i++
				}
			})
		}
	}
}

func boundOf(r bots.Rate) bots.Limit {
	return bots.Limit{Scope: r.Scope, Every: r.Every, Burst: r.Burst, Window: r.Window}
}
