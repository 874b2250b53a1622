package workersai

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bobbin/agent"
)

// verdict keeps a model from being asked in vain.
type verdict struct {
	err   *Error
	until time.Time
}

// step is one call of Stream.
type step struct {
	client  *Client
	request agent.Request
	yield   func(agent.Chunk, error) bool
	model   string // being asked
	named   bool   // a chunk has told the consumer which
	shown   bool   // the consumer has seen text
	broken  bool   // the consumer wants no more
}

// run asks the models of the chain, one after the other, until one answers.
func (s *step) run(ctx context.Context) error {
	c := s.client
	if err := c.quota(); err != nil {
		return err
	}
	if err := checkImages(s.request.Messages); err != nil {
		return err
	}
	var last, tooLong *Error
	asked := false
	for tries := c.tries(&s.request); len(tries) > 0; {
		try := tries[0]
		tries = tries[1:]
		if v := c.verdict(try.model); v != nil {
			if !asked {
				last = v
			}
			continue
		}
		asked = true
		s.model, s.named = try.model, false
		err := s.ask(ctx, try, len(tries) == 0)
		if err == nil || s.broken {
			return nil
		}
		if ctx.Err() != nil {
			return canceled(ctx)
		}
		e, ok := errors.AsType[*Error](err)
		if !ok {
			return err
		}
		if try.pictures && !s.shown && picturesRefused(e) {
			e.Class = Next
			tries = append(tries, attempting{model: try.model})
		}
		c.judge(e)
		if s.shown {
			e.public = brokeOff
			return e
		}
		switch e.Class {
		case Fatal, Quota:
			return e
		case TooLong:
			tooLong = e
		case Retry, Next: // another model may do better
		}
		last = e
		if len(tries) > 0 {
			c.log.LogAttrs(ctx, levelOf(e), "the model could not answer, trying the next", attrs(e)...)
		}
	}
	if tooLong != nil && last.Class == Next {
		return tooLong // of what went wrong, the part that the caller can mend
	}
	if last == nil {
		return &Error{Message: "no model to ask"}
	}
	return last
}

const brokeOff = "The language model broke off in the middle of this answer."

// canceled is the error of a context that has ended, with the reason if one was given.
func canceled(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if cause == nil || errors.Is(err, cause) {
		return err
	}
	return fmt.Errorf("%w: %w", err, cause)
}

// quota returns the error of the day while the account is paused.
func (c *Client) quota() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.paused == nil {
		return nil
	}
	if !time.Now().Before(c.resume) {
		c.paused = nil
		return nil
	}
	e := *c.paused
	e.RetryAfter = time.Until(c.resume)
	return &e
}

// verdict returns why a model is not to be asked, or nil.
func (c *Client) verdict(model string) *Error {
	c.mu.Lock()
	defer c.mu.Unlock()
	v, ok := c.verdicts[model]
	if !ok {
		return nil
	}
	if !time.Now().Before(v.until) {
		delete(c.verdicts, model)
		return nil
	}
	e := *v.err // the caller may add to it
	return &e
}

// judge remembers what an error says about the time to come.
func (c *Client) judge(e *Error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	kept := *e
	switch {
	case e.Class == Quota:
		day := now.UTC().Truncate(24 * time.Hour)
		c.paused, c.resume = &kept, day.Add(24*time.Hour)
		e.RetryAfter = c.resume.Sub(now)
	case e.Class == Next && e.verdict > 0:
		c.verdicts[e.Model] = verdict{err: &kept, until: now.Add(e.verdict)}
	case e.Class == Retry && e.RetryAfter > maxWait:
		c.verdicts[e.Model] = verdict{err: &kept, until: now.Add(min(e.RetryAfter, longestRest))}
	}
	if e.Hint == "" {
		return
	}
	// What needs the admin is said once, not in every turn.
	key := fmt.Sprintf("%s %d %d", e.Model, e.Status, e.Code)
	if !c.warned[key] {
		c.warned[key] = true
		c.log.LogAttrs(context.Background(), levelAdmin, "a model needs attention", attrs(e)...)
	}
}
