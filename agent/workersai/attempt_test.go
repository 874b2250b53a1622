package workersai

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"bobbin/agent"
)

func TestSilentStreamIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &otherSide{answer: func(w http.ResponseWriter, r *http.Request, _ received, _ int) {
			_, _ = io.WriteString(w, sseOf(delta("Hi")))
			_ = http.NewResponseController(w).Flush()
			tick := time.NewTicker(10 * time.Second)
			defer tick.Stop()
			for {
				select {
				case <-tick.C: // a comment says nothing about the model
					_, _ = io.WriteString(w, ": ping\n\n")
					_ = http.NewResponseController(w).Flush()
				case <-r.Context().Done():
					return
				}
			}
		}}
		began := time.Now()
		a := stream(t.Context(), inMemory(t, o, Options{}), hello)
		if a.text != "Hi" || !errors.Is(a.err, errIdle) || time.Since(began) != defaultIdleTimeout {
			t.Errorf("got %q after %v, %v", a.text, time.Since(began), a.err)
		}
	})
}

func TestSlowConsumerIsNotTakenForSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &otherSide{answer: func(w http.ResponseWriter, _ *http.Request, _ received, _ int) {
			_, _ = io.WriteString(w, sseOf(delta("a"), delta("b"), stop, "[DONE]"))
		}}
		text := ""
		for chunk, err := range inMemory(t, o, Options{}).Stream(t.Context(), hello) {
			if err != nil {
				t.Fatal(err)
			}
			text += chunk.Text
			time.Sleep(10 * time.Minute)
		}
		if text != "ab" {
			t.Errorf("got %q", text)
		}
	})
}

func TestCancelledContextEndsAtOnceWithItsCause(t *testing.T) {
	for name, answer := range map[string]func(http.ResponseWriter, *http.Request){
		"before the first byte": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"within the stream": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, sseOf(delta("Hi")))
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		},
		"while waiting to ask again": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "15")
			fail(w, 429, "")
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := &otherSide{answer: func(w http.ResponseWriter, r *http.Request, _ received, _ int) { answer(w, r) }}
				c := inMemory(t, o, Options{})
				ctx, cancel := context.WithTimeoutCause(t.Context(), 5*time.Second, agent.ErrTurnTimeout)
				defer cancel()
				began := time.Now()
				a := stream(ctx, c, hello)
				if !errors.Is(a.err, agent.ErrTurnTimeout) || !errors.Is(a.err, context.DeadlineExceeded) || time.Since(began) != 5*time.Second {
					t.Errorf("after %v got %v", time.Since(began), a.err)
				}
			})
		})
	}
}

func TestBreakingOffCancelsTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := make(chan struct{})
		o := &otherSide{answer: func(w http.ResponseWriter, r *http.Request, _ received, _ int) {
			_, _ = io.WriteString(w, sseOf(delta("Hi")))
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
			close(gone)
		}}
		for chunk, err := range inMemory(t, o, Options{}).Stream(t.Context(), hello) {
			if err != nil || chunk.Text != "Hi" {
				t.Fatalf("got %+v, %v", chunk, err)
			}
			break
		}
		<-gone
	})
}

func TestEmptyDocumentIsAskedForAgainWithoutStream(t *testing.T) {
	o := &otherSide{answer: func(w http.ResponseWriter, _ *http.Request, got received, _ int) {
		w.Header().Set("Content-Type", "application/json")
		if got.Stream {
			_, _ = io.WriteString(w, `{"result":{},"success":true}`)
			return
		}
		_, _ = io.WriteString(w, `{"choices":[{"message":{"content":"here"},"finish_reason":"stop"}]}`)
	}}
	a := stream(t.Context(), onLoopback(t, o, Options{}), hello)
	if a.err != nil || a.text != "here" {
		t.Fatalf("got %q, %v", a.text, a.err)
	}
	if again := o.request(t, 1); again.Stream || again.StreamOptions != nil || again.Model != "@cf/first" {
		t.Errorf("asked again with %s", again.raw)
	}
}

func TestConnectionServesTheNextStep(t *testing.T) {
	var addrs []string
	o := &otherSide{answer: func(w http.ResponseWriter, r *http.Request, _ received, _ int) {
		addrs = append(addrs, r.RemoteAddr)
		say(w, "ok")
	}}
	c := onLoopback(t, o, Options{})
	for range 3 {
		for chunk, err := range c.Stream(t.Context(), hello) {
			if err != nil {
				t.Fatal(err)
			}
			if chunk.Finish != "" {
				break // as a consumer may
			}
		}
	}
	if addrs[0] != addrs[1] || addrs[1] != addrs[2] {
		t.Errorf("each step opened a connection: %v", addrs)
	}
}

func TestConnectionThatBreaksIsAnAnswerThatBreaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &otherSide{answer: func(w http.ResponseWriter, _ *http.Request, _ received, n int) {
			if n == 1 {
				say(w, "whole")
				return
			}
			_, _ = io.WriteString(w, sseOf(`{"choices":[{"delta":{"reasoning":"hm"}}]}`))
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}}
		c := inMemory(t, o, Options{Models: []string{"@cf/only"}})
		if a := stream(t.Context(), c, hello); a.err != nil {
			t.Fatal(a.err)
		}
		a := stream(t.Context(), c, hello)
		if !errors.Is(a.err, errIncomplete) || len(o.models()) != 4 {
			t.Errorf("asked %d times, got %v", len(o.models())-1, a.err)
		}
	})
}
