package badgerstore

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/dgraph-io/badger/v4"
	"pgregory.net/rapid"

	"bobbin/agent"
)

// damages are what may happen to a record's value.
var damages = map[string]func(t *rapid.T, v, other []byte) []byte{
	"empty":   func(*rapid.T, []byte, []byte) []byte { return nil },
	"garbage": func(*rapid.T, []byte, []byte) []byte { return bytes.Repeat([]byte{0xff}, 100) },
	"other JSON": func(t *rapid.T, _, _ []byte) []byte {
		return []byte(rapid.SampledFrom([]string{"null", "{}", "[]", "7", `"x"`, `{"id":7}`, `{"role":"king"}`, "{"}).Draw(t, "json"))
	},
	"cut off": func(t *rapid.T, v, _ []byte) []byte { return v[:rapid.IntRange(0, len(v)).Draw(t, "length")] },
	"flipped": func(t *rapid.T, v, _ []byte) []byte {
		if len(v) > 0 {
			v[rapid.IntRange(0, len(v)-1).Draw(t, "at")] ^= 0x80
		}
		return v
	},
	"another's": func(_ *rapid.T, _, other []byte) []byte { return other },
}

// records reads all that the store has for a place and for what was abandoned.
func records(t *rapid.T, s *Store, id agent.SessionID) (all []record) {
	err := s.view(func(txn *tx) error {
		for _, prefix := range [][]byte{key("k/", id), key("h/", id), within("i/", id), key("t/", id), within("j/", id), within("m/", id), []byte("x/")} {
			err := each(txn, prefix, func(_ []byte, item *badger.Item) error {
				v, err := item.ValueCopy(nil)
				all = append(all, record{key: item.KeyCopy(nil), value: v})
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestWhateverIsDamagedASessionGoesOnAndTheNextLookIsSilent(t *testing.T) {
	dir, log := t.TempDir(), &logged{}
	s, err := Open(dir, log.options())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		at := place
		at.Channel = fmt.Sprint("C", n)
		h := healing{T: t, s: s, at: at, n: n}
		h.live(rt)
		all := records(rt, s, at.Session())
		damaged := map[string]bool{}
		for range rapid.IntRange(1, 6).Draw(rt, "damages") {
			r := rapid.SampledFrom(all).Draw(rt, "record")
			other := rapid.SampledFrom(all).Draw(rt, "other")
			kinds := slices.Sorted(func(yield func(string) bool) {
				for k := range damages {
					if !yield(k) {
						return
					}
				}
			})
			kind := rapid.SampledFrom(kinds).Draw(rt, "damage")
			put(t, s, r.key, damages[kind](rt, slices.Clone(r.value), other.value))
			damaged[string(r.key)] = true
		}
		if rapid.IntRange(0, 9).Draw(rt, "restart") == 0 {
			if err := s.Close(); err != nil {
				rt.Fatal(err)
			}
			if s, err = Open(dir, log.options()); err != nil {
				rt.Fatal(err)
			}
			h.s = s
		}
		log.take()
		h.goOn(rt, damaged)
		log.take()
		h.goOn(rt, nil)
		if said := log.take(); said != "" {
			rt.Fatalf("the second look logs %s", said)
		}
		if _, err := s.Expire(t.Context(), time.Now().Add(time.Hour)); err != nil { // and the abandoned with it
			rt.Fatal(err)
		}
	})
}

// healing is a session that is damaged and looked after.
type healing struct {
	*testing.T
	s    *Store
	at   agent.Address
	n, m int
	want map[string]string // the keys of the messages that wait, and what they say
}

func (h *healing) ok(rt *rapid.T, err error) {
	rt.Helper()
	if err != nil {
		rt.Fatal(err)
	}
}

func (h *healing) say() string {
	h.m++
	text := fmt.Sprintf("message %d of %d", h.m, h.n)
	accept(h, h.s, said(h.at, text, text))
	return text
}

// live gives the session a past, an abandoned turn, a turn under way and more to do.
func (h *healing) live(rt *rapid.T) {
	ctx, id := h.Context(), h.at.Session()
	h.say()
	h.ok(rt, h.s.Commit(ctx, begin(h, h.s, id), []agent.Entry{
		{Role: agent.RoleUser, Text: "x"}, calls("a", "1", "2"), found("1"), found("2"), entry(1), calls("b", "3"), found("3"), entry(2),
	}))
	if rapid.Bool().Draw(rt, "reset") {
		h.ok(rt, h.s.Reset(ctx, id))
	}
	h.say()
	h.say()
	turn := begin(h, h.s, id)
	h.ok(rt, h.s.Append(ctx, turn, calls("c", "4", "5")))
	h.ok(rt, h.s.Abandon(ctx, turn, "broken"))
	h.say()
	turn = begin(h, h.s, id)
	h.ok(rt, h.s.RecordPart(ctx, turn, agent.Part{Key: "K-1", ID: "p"}))
	h.ok(rt, h.s.StartCall(ctx, turn, "6"))
	h.ok(rt, h.s.Append(ctx, turn, calls("d", "6", "7"), found("6"), found("7"), calls("e", "8")))
	if rapid.Bool().Draw(rt, "answered") {
		h.ok(rt, h.s.Answer(ctx, turn, agent.Outcome{Kind: agent.Answered, Text: "fine"}))
	}
	h.say()
	h.want = map[string]string{}
	for _, r := range records(rt, h.s, id) {
		var in agent.Inbound
		if bytes.HasPrefix(r.key, []byte("i/")) {
			h.ok(rt, unmarshal(r.value, &in))
			h.want[string(r.key)] = in.Text
		}
	}
}

// goOn works off what the session has, and reads all that can be read.
func (h *healing) goOn(rt *rapid.T, damaged map[string]bool) {
	ctx, id := h.Context(), h.at.Session()
	want := map[string]bool{h.say(): true}
	for k, text := range h.want {
		want[text] = !damaged[k]
	}
	h.want = nil
	last := ""
	for turns := 0; ; turns++ {
		turn, err := h.s.Begin(ctx, id)
		h.ok(rt, err)
		if turn == nil {
			break
		}
		if len(turn.Inbound) == 0 || turns > 5 || !sound(turn.Entries, false, true) {
			rt.Fatalf("turn %d is %+v", turns, turn)
		}
		es, err := h.s.History(ctx, turn, 1e6)
		h.ok(rt, err)
		if !sound(es, false, false) {
			rt.Fatalf("history is %+v", es)
		}
		for _, in := range turn.Inbound {
			delete(want, in.Text)
		}
		h.ok(rt, h.s.Commit(ctx, turn, append(turn.Transcript(), entry(turns))))
		last = fmt.Sprint("entry ", turns)
	}
	if got := history(h, h.s, h.at); got[len(got)-1] != last {
		rt.Fatalf("history %q, and the last turn said %s", got, last)
	}
	for text, readable := range want {
		if readable {
			rt.Fatalf("%q is not answered", text)
		}
	}
	var dead []Dead
	for d, err := range h.s.Abandoned(ctx) {
		h.ok(rt, err)
		dead = append(dead, d)
	}
	if damaged != nil && len(dead) != 1 {
		rt.Fatalf("%d turns were abandoned", len(dead))
	}
	for _, d := range dead {
		if _, n, err := h.s.Retry(ctx, d.ID); err != nil || n != len(d.Inbound) {
			rt.Fatalf("%d messages of %d are retried, error %v", n, len(d.Inbound), err)
		}
	}
	for _, err := range h.s.Unfinished(ctx) {
		h.ok(rt, err)
	}
	_, err := h.s.Expire(ctx, time.Time{})
	h.ok(rt, err)
}
