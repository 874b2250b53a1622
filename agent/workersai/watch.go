package workersai

import (
	"context"
	"errors"
	"io"
	"time"
)

var errIdle = errors.New("the model fell silent")

// afterFinish is how long the usage and the closing mark may take once the answer has
// said why it ends.
const afterFinish = 5 * time.Second

// watch cancels a request whose answer falls silent. It runs while something is waited for,
// and stands still while the consumer is busy with what has arrived. A nil watch does
// nothing. It belongs to the goroutine that reads the answer.
type watch struct {
	timer   *time.Timer
	idle    time.Duration
	running bool
}

func newWatch(idle time.Duration, cancel context.CancelCauseFunc) *watch {
	return &watch{idle: idle, timer: time.AfterFunc(idle, func() { cancel(errIdle) }), running: true}
}

// pause stops it: there is a sign of life.
func (w *watch) pause() {
	if w != nil && w.running {
		w.timer.Stop()
		w.running = false
	}
}

// resume has it run from its begin, unless it runs.
func (w *watch) resume(finished bool) {
	switch {
	case w == nil || w.running:
	case finished:
		w.limit(min(w.idle, afterFinish))
	default:
		w.limit(w.idle)
	}
}

// limit has it run for d from now on.
func (w *watch) limit(d time.Duration) {
	w.timer.Reset(d)
	w.running = true
}

// watched is a body of which every byte is a sign of life.
type watched struct {
	r io.Reader
	w *watch
}

func (r *watched) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	r.w.pause()
	r.w.resume(false)
	return n, err
}
