package workersai

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bobbin/agent"
)

func TestChainAsksTheNextModelAndRemembersWhichCannot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		o := &otherSide{answer: func(w http.ResponseWriter, _ *http.Request, got received, _ int) {
			switch got.Model {
			case "@cf/first":
				fail(w, 410, envelope(5028, "deprecated"))
			case "@cf/second":
				fail(w, 403, envelope(5035, "paid"))
			default:
				say(w, "hello")
			}
		}}
		c := inMemory(t, o, Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
		for range 3 {
			if a := stream(t.Context(), c, hello); a.err != nil || a.text != "hello" || a.last.Model != "@cf/third" {
				t.Fatalf("got %q from %s, %v", a.text, a.last.Model, a.err)
			}
		}
		want := []string{"@cf/first", "@cf/second", "@cf/third", "@cf/third", "@cf/third"}
		if got := o.models(); !slices.Equal(got, want) {
			t.Errorf("asked %v, want %v", got, want)
		}
		if n := strings.Count(log.String(), "level=WARN"); n != 2 {
			t.Errorf("%d warnings, want one for each model:\n%s", n, log.String())
		}
		time.Sleep(2 * time.Hour) // the verdict about the plan is over, the other is not
		stream(t.Context(), c, hello)
		if got := o.models()[len(want):]; !slices.Equal(got, []string{"@cf/second", "@cf/third"}) {
			t.Errorf("after two hours asked %v", got)
		}
		if n := strings.Count(log.String(), "level=WARN"); n != 2 {
			t.Errorf("the admin was told again:\n%s", log.String())
		}
	})
}

func TestBusyModelIsAskedAgainThenTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &otherSide{answer: func(w http.ResponseWriter, _ *http.Request, got received, _ int) {
			fail(w, 429, envelope(3040, "Capacity temporarily exceeded, please try again."))
		}}
		c := inMemory(t, o, Options{Models: []string{"@cf/first", "@cf/last"}})
		a := stream(t.Context(), c, hello)
		e, ok := errors.AsType[*Error](a.err)
		if !ok || e.Class != Retry || e.Model != "@cf/last" {
			t.Fatalf("got %v", a.err)
		}
		want := []string{"@cf/first", "@cf/first", "@cf/last", "@cf/last", "@cf/last", "@cf/last"}
		if got := o.models(); !slices.Equal(got, want) {
			t.Errorf("asked %v, want %v", got, want)
		}
		for i := range want {
			if got := o.request(t, i); (got.Options != nil && got.Options.RejectIfBusy) != (got.Model == "@cf/first") {
				t.Errorf("request %d to %s has options %+v", i, got.Model, got.Options)
			}
		}
	})
}

func TestRetryAfterIsHonoured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Time
		wait := "12"
		o := &otherSide{}
		o.answer = func(w http.ResponseWriter, _ *http.Request, _ received, n int) {
			at = append(at, time.Now())
			if n == 1 || n == 3 {
				w.Header().Set("Retry-After", wait)
				fail(w, 429, "")
				return
			}
			say(w, "ok")
		}
		c := inMemory(t, o, Options{Models: []string{"@cf/only"}})
		if a := stream(t.Context(), c, hello); a.err != nil || at[1].Sub(at[0]) != 12*time.Second {
			t.Fatalf("asked again after %v, %v", at[1].Sub(at[0]), a.err)
		}
		// Longer than anybody waits in a chat: an error now, and rest for the model.
		wait = "90"
		began := time.Now()
		for range 2 {
			e, ok := errors.AsType[*Error](stream(t.Context(), c, hello).err)
			if !ok || e.RetryAfter != 90*time.Second {
				t.Fatalf("got %v", e)
			}
		}
		if time.Since(began) > time.Second || len(at) != 3 {
			t.Errorf("took %v and asked %d times", time.Since(began), len(at))
		}
		time.Sleep(91 * time.Second)
		if a := stream(t.Context(), c, hello); a.err != nil {
			t.Errorf("after the rest: %v", a.err)
		}
	})
}

func TestUsedUpDayPausesUntilMidnight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &otherSide{answer: func(w http.ResponseWriter, _ *http.Request, _ received, n int) {
			if n == 1 {
				fail(w, 429, envelope(4006, "you have used up your daily free allocation of 10,000 neurons"))
				return
			}
			say(w, "a new day")
		}}
		c := inMemory(t, o, Options{})
		time.Sleep(20 * time.Hour) // the bubble begins at midnight
		for range 3 {
			e, ok := errors.AsType[*Error](stream(t.Context(), c, hello).err)
			if !ok || e.Class != Quota || e.RetryAfter != 4*time.Hour {
				t.Fatalf("got %v", e)
			}
		}
		if n := len(o.models()); n != 1 {
			t.Errorf("asked %d times although the day is used up", n)
		}
		time.Sleep(4 * time.Hour)
		if a := stream(t.Context(), c, hello); a.text != "a new day" {
			t.Errorf("the day after: %q, %v", a.text, a.err)
		}
	})
}

func TestTooLongRequestGetsAShorterAnswerThenTheNextModel(t *testing.T) {
	o := &otherSide{answer: func(w http.ResponseWriter, _ *http.Request, got received, _ int) {
		if got.MaxTokens > 3500 {
			fail(w, 413, envelope(5021, "The estimated number of input and maximum output tokens (25000) exceeded this model context window limit (24000)"))
			return
		}
		say(w, "fits")
	}}
	c := onLoopback(t, o, Options{})
	if a := stream(t.Context(), c, hello); a.text != "fits" || a.last.Model != "@cf/first" {
		t.Fatalf("got %q, %v", a.text, a.err)
	}
	if got := o.request(t, 1).MaxTokens; got != 3032 {
		t.Errorf("asked again with max_tokens %d", got)
	}

	o = &otherSide{answer: func(w http.ResponseWriter, _ *http.Request, got received, _ int) {
		switch got.Model {
		case "@cf/third":
			fail(w, 410, envelope(5028, "deprecated"))
		default:
			fail(w, 413, envelope(5021, "(90000) exceeded this model context window limit (24000)"))
		}
	}}
	a := stream(t.Context(), onLoopback(t, o, Options{}), hello)
	if !errors.Is(a.err, ErrTooLong) {
		t.Errorf("got %v, want the error that a shorter window mends", a.err)
	}
	if got := o.models(); len(got) != 3 {
		t.Errorf("asked %v", got)
	}
}

func TestFatalErrorEndsTheChain(t *testing.T) {
	o := &otherSide{answer: func(w http.ResponseWriter, _ *http.Request, _ received, _ int) {
		fail(w, 403, envelope(10000, "Authentication error"))
	}}
	a := stream(t.Context(), onLoopback(t, o, Options{}), hello)
	e, ok := errors.AsType[*Error](a.err)
	if !ok || e.Class != Fatal || len(o.models()) != 1 || !strings.Contains(e.Error(), "Workers AI Read and Edit") {
		t.Errorf("asked %v, got %v", o.models(), a.err)
	}
}

func TestNoFallbackOnceTextIsShown(t *testing.T) {
	o := &otherSide{answer: func(w http.ResponseWriter, _ *http.Request, _ received, _ int) {
		_, _ = io.WriteString(w, sseOf(delta("Half an ans")))
	}}
	a := stream(t.Context(), onLoopback(t, o, Options{}), hello)
	if a.text != "Half an ans" || !errors.Is(a.err, errIncomplete) || len(o.models()) != 1 {
		t.Errorf("got %q, %v, asked %v", a.text, a.err, o.models())
	}
	if got := agent.Explain(a.err); got != brokeOff {
		t.Errorf("the person reads %q", got)
	}
}

func TestFailureWhileReasoningFallsToTheNextModel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &otherSide{answer: func(w http.ResponseWriter, _ *http.Request, got received, _ int) {
			if got.Model == "@cf/first" {
				_, _ = io.WriteString(w, sseOf(`{"choices":[{"delta":{"reasoning":"hm"}}]}`, `{"error":{"code":3043,"message":"internal"}}`))
				return
			}
			say(w, "hello")
		}}
		a := stream(t.Context(), inMemory(t, o, Options{}), hello)
		if a.err != nil || a.text != "hello" || a.last.Model != "@cf/second" || a.thinking != 2 {
			t.Errorf("got %q from %s after %d signs of reasoning, %v", a.text, a.last.Model, a.thinking, a.err)
		}
	})
}
