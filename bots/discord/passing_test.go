package discord

import (
	"encoding/json"
	"strconv"
	"testing"
)

func TestEventsArePassedInOrderAndNoneIsKept(t *testing.T) {
	var p passing
	for n := range 5 {
		p.put(event{name: "E", data: json.RawMessage(strconv.Itoa(n + 1))})
	}
	for _, number := range []string{"0", "6", "-1", "x", "", "18446744073709551615"} {
		if e, ok := p.take(number); ok {
			t.Errorf("%q is %+v", number, e)
		}
	}
	for _, number := range []string{"1", "4"} { // 2 and 3 were left out
		if e, ok := p.take(number); !ok || string(e.data) != number {
			t.Errorf("%s is %s, %t", number, e.data, ok)
		}
	}
	if e, ok := p.take("3"); ok || len(p.events) != 1 {
		t.Errorf("3 is %+v, and %d are left", e, len(p.events))
	}
	if e, ok := p.take("5"); !ok || string(e.data) != "5" || len(p.events) != 0 {
		t.Errorf("5 is %+v, and %d are left", e, len(p.events))
	}
	if n := p.put(event{}); n != 6 {
		t.Errorf("the next number is %d", n)
	}
}
