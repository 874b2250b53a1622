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

// watch cancels a request whose answer falls silent. It stands still while the
// consumer is busy with what has arrived. A nil watch does nothing.
type watch struct {
	timer *time.Timer
	idle  time.Duration
}

func newWatch(idle time.Duration, cancel context.CancelCauseFunc) *watch {
	return &watch{idle: idle, timer: time.AfterFunc(idle, func() { cancel(errIdle) })}
}

func (w *watch) pause() {
	if w != nil {
		w.timer.Stop()
	}
}

func (w *watch) resume(finished bool) {
	switch {
	case w == nil:
	case finished:
		w.timer.Reset(min(w.idle, afterFinish))
	default:
		w.timer.Reset(w.idle)
	}
}

// watched is a body of which every byte is a sign of life.
type watched struct {
	r io.Reader
	w *watch
}

func (r *watched) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	r.w.resume(false)
	return n, err
}
