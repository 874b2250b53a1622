package workersai

import (
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// cutUp gives what it holds in pieces of random length.
type cutUp struct {
	rest string
	rand *rand.Rand
	most int
}

func (c *cutUp) Read(p []byte) (int, error) {
	if c.rest == "" {
		return 0, io.EOF
	}
	n := copy(p, c.rest[:min(1+c.rand.IntN(c.most), len(c.rest))])
	c.rest = c.rest[n:]
	return n, nil
}

func TestLinesAreTheSameHoweverTheyArrive(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 400 {
		var lines []string
		for range 1 + random.IntN(40) {
			lines = append(lines, strings.Repeat(string(rune('a'+len(lines)%26)), random.IntN(1<<random.IntN(15))))
		}
		l := newLineReader(&cutUp{strings.Join(lines, "\n") + "\n", random, 1 << random.IntN(15)})
		var got []string
		for {
			l.ready()
			line, err := l.next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(line))
		}
		if !slices.Equal(got, lines) {
			t.Fatalf("%d lines became %d", len(lines), len(got))
		}
	}
}

func TestAnswerThatWaitsHoldsNoWideReader(t *testing.T) {
	body := strings.Repeat("data: x\n", 1000)
	l := newLineReader(strings.NewReader(body))
	wide := 0
	for range 1000 {
		if l.ready() && l.r != l.own {
			wide++
		}
		if _, err := l.next(); err != nil {
			t.Fatal(err)
		}
	}
	if wide == 0 {
		t.Error("what comes at once is read in small pieces")
	}
	if l.ready() || l.r != l.own {
		t.Error("the wide reader is kept")
	}
}
