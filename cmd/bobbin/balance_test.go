package main

import (
	"errors"
	"testing"
)

func TestOnlyMessagesThatAreMissingAreUnaccountedFor(t *testing.T) {
	const accepted, delivered = 10, 6
	for name, c := range map[string]struct {
		pending   int64
		meanwhile func(*balance) // while the store counts
		want      int64
	}{
		"all are there":                      {4, func(*balance) {}, 0},
		"one is missing":                     {3, func(*balance) {}, 1},
		"one is there that nobody has sent":  {5, func(*balance) {}, -1},
		"one arrives too late to be counted": {4, func(b *balance) { b.accepted.Add(1) }, 0},
		"one arrives and is counted":         {5, func(b *balance) { b.accepted.Add(1) }, 0},
		"one ends and is not counted":        {3, func(b *balance) { b.delivered.Add(1) }, 0},
		"one ends after it was counted":      {4, func(b *balance) { b.dead.Add(1) }, 0},
		"one is missing, and others arrive":  {3, func(b *balance) { b.accepted.Add(3) }, 1},
		"one is missing, and others end":     {1, func(b *balance) { b.delivered.Add(2) }, 1},
		"one is too many, and others arrive": {7, func(b *balance) { b.accepted.Add(2) }, -1},
	} {
		t.Run(name, func(t *testing.T) {
			var b balance
			b.accepted.Add(accepted)
			b.delivered.Add(delivered)
			got, err := b.unaccounted(func() (int64, error) {
				c.meanwhile(&b)
				return c.pending, nil
			})
			if got != c.want || err != nil {
				t.Errorf("%d, %v; want %d", got, err, c.want)
			}
		})
	}
	broken := errors.New("the store did not say")
	if _, err := new(balance).unaccounted(func() (int64, error) { return 0, broken }); !errors.Is(err, broken) {
		t.Errorf("the error is %v", err)
	}
}
