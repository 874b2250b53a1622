package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"sync"
)

// killKind is a moment at which the daemon is killed.
type killKind string

// The moments. All but the first are those at which a program that is not careful loses
// something or does it twice.
const (
	killAnyTime    killKind = "at any moment"
	killAtStart    killKind = "while it starts"
	killBeforePost killKind = "before a post arrives"
	killAfterPost  killKind = "between a post and its answer"
	killInCall     killKind = "inside a tool call"
	killAtLast     killKind = "between answered and delivered"
	killByPoison   killKind = "by a poisoned message"
)

var killKinds = []killKind{killAnyTime, killAtStart, killBeforePost, killAfterPost, killInCall, killAtLast, killByPoison}

// killDeck says which kind of kill is next: nearly half of them at any moment. In the first
// round the others come first, so that a short run has each of them.
type killDeck struct {
	rand  *rand.Rand
	round int
	cards []killKind
}

func (d *killDeck) top() killKind {
	if len(d.cards) == 0 {
		d.cards = []killKind{killAtStart, killAfterPost, killInCall, killAtLast, killBeforePost, killAnyTime, killAnyTime, killAnyTime, killAnyTime}
		shuffled := d.cards
		if d.round == 0 {
			shuffled = d.cards[:5]
		}
		d.round++
		d.rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	}
	return d.cards[0]
}

// played takes a card of that kind off. A kind whose moment did not come stays.
func (d *killDeck) played(kind killKind) {
	if i := slices.Index(d.cards, kind); i >= 0 {
		d.cards = slices.Delete(d.cards, i, i+1)
	}
}

// tortured is one life of the daemon.
type tortured struct {
	process *os.Process
	gone    chan struct{} // closed when it is dead
	err     error         // how it ended; set before gone is closed
}

// start starts the daemon; the end of ctx kills it.
func (t *torture) start(ctx context.Context) (*tortured, error) {
	cmd := t.command(ctx, "torture-child", "--config", t.configPath(), "--world", t.world.base())
	cmd.Stdout, cmd.Stderr = t.log, t.log
	return startTortured(cmd)
}

func startTortured(cmd *exec.Cmd) (*tortured, error) {
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the daemon: %w", err)
	}
	d := &tortured{process: cmd.Process, gone: make(chan struct{})}
	go func() {
		defer close(d.gone)
		d.err = cmd.Wait()
	}()
	return d, nil
}

// executioner kills the daemon in the midst of what it does.
type executioner struct {
	log io.Writer // of calls

	mu     sync.Mutex
	victim *tortured // nil: there is none, or it is being killed already
	due    killKind
	skip   int // so many moments of that kind pass before
	poison int // kills that the poisoned message has left
	by     killKind
	done   map[killKind]int
}

// arm says who is to be killed, and when.
func (e *executioner) arm(victim *tortured, due killKind, skip int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.victim, e.due, e.skip, e.by = victim, due, skip, ""
}

// poisoned reports whether the poisoned message has killed, and is to kill again.
func (e *executioner) poisoned() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.poison > 0 && e.done[killByPoison] > 0
}

// disarm returns how the last victim was killed; empty: not by us.
func (e *executioner) disarm() killKind {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.victim = nil
	return e.by
}

// awaits reports whether the next moment of a kind may be the one.
func (e *executioner) awaits(kind killKind) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.victim != nil && e.due == kind
}

// strike says that it is a moment of that kind. If it is the one, the daemon is dead when
// strike returns true.
func (e *executioner) strike(kind killKind) bool {
	victim := e.take(kind)
	if victim == nil {
		return false
	}
	_ = victim.process.Kill() // it may have died by itself just then, which it says
	<-victim.gone
	return true
}

func (e *executioner) take(kind killKind) *tortured {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.victim == nil:
		return nil
	case kind == killAnyTime && e.due == killByPoison:
		e.poison = 0 // its turn was given up earlier, with kills that came from elsewhere
	case kind == killAnyTime, kind == killAtStart:
	case kind == killByPoison:
		if e.poison == 0 {
			return nil
		}
		e.poison--
	case kind != e.due:
		return nil
	case e.skip > 0:
		e.skip--
		return nil
	}
	victim := e.victim
	e.victim, e.by = nil, kind
	e.done[kind]++
	return victim
}

// counts returns how often each kind has happened.
func (e *executioner) counts() map[killKind]int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return maps.Clone(e.done)
}
