package bots_test

import (
	"regexp"
	"testing"

	"bobbin/agent"
	"bobbin/bots"
)

func TestPartKeyNamesItsNumberAndSorts(t *testing.T) {
	form := regexp.MustCompile(`^[A-Z2-7-]{1,25}$`)
	before := ""
	for n := 1; n < 1<<15; n++ {
		key := bots.PartKey(agent.TurnID("ABCDEFGHIJKLMNOPQRST"), n)
		if !form.MatchString(key) || key <= before || bots.PartNumber(key) != n {
			t.Fatalf("key %d is %q after %q, and names %d", n, key, before, bots.PartNumber(key))
		}
		before = key
	}
	for _, no := range []string{"", "X", "TURN-1", "TURN-001", "TURN-2222"} {
		if n := bots.PartNumber(no); n != 0 {
			t.Errorf("%q names %d", no, n)
		}
	}
}
