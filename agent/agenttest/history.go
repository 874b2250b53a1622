package agenttest

import (
	"slices"

	"bobbin/agent"
)

var historyTests = []storeTest{
	{"history is the newest entries that fit the budget, oldest first", historyBudget},
	{"history begins afresh after a reset", historyReset},
	{"a turn that runs across a reset stays in its own history", historyAcross},
	{"messages that wait during a reset belong to the new history", waitAcross},
}

func historyBudget(r *rig) {
	var all []agent.Entry
	for n := range 20 {
		first, second := said(2*n), said(2*n+1)
		r.turn(message(place, n), first, second)
		all = append(all, first, second)
		if n == 10 {
			r.reopen()
		}
	}
	r.accept(message(place, 1000))
	t := r.begin(place.Session())
	one := agent.Tokens(all[len(all)-1])
	for _, budget := range []int{-1, 0, 1, one - 1, one, one + 1, 2 * one, 7*one + 1, 1e6} {
		want := slices.Clone(all)
		sum := 0
		for i := len(all) - 1; i >= 0; i-- {
			if sum += agent.Tokens(all[i]); sum > budget {
				want = all[i+1:]
				break
			}
		}
		got, err := r.History(r.Context(), t, budget)
		r.ok(err)
		same(r, "history", got, want)
	}
}

func historyReset(r *rig) {
	r.turn(message(place, 1), said(1))
	r.ok(r.Reset(r.Context(), place.Session()))
	r.reopen()
	r.turn(message(place, 2), said(2))
	t := r.history(message(place, 3), 1e6)
	same(r, "history", t, []agent.Entry{said(2)})
	r.ok(r.Reset(r.Context(), place.Session()))
	r.ok(r.Reset(r.Context(), place.Session()))
	r.ok(r.Commit(r.Context(), r.begin(place.Session()), nil))
	same(r, "history", r.history(message(place, 4), 1e6), nil)
}

func historyAcross(r *rig) {
	r.turn(message(place, 1), said(1))
	r.accept(message(place, 2))
	t := r.begin(place.Session())
	r.ok(r.Append(r.Context(), t, said(20)))
	r.ok(r.Reset(r.Context(), place.Session()))
	r.reopen()
	again := r.begin(place.Session())
	if again.ID != t.ID || again.Generation != t.Generation {
		r.Errorf("the turn is %s in generation %d, was %s in %d", again.ID, again.Generation, t.ID, t.Generation)
	}
	es, err := r.History(r.Context(), again, 1e6)
	r.ok(err)
	same(r, "history of the turn", es, []agent.Entry{said(1)})
	r.ok(r.Commit(r.Context(), again, []agent.Entry{said(2)}))
	r.accept(message(place, 3))
	next := r.begin(place.Session())
	if next.Generation == t.Generation {
		r.Error("the turn after the reset is in the same generation")
	}
	es, err = r.History(r.Context(), next, 1e6)
	r.ok(err)
	same(r, "history after the reset", es, nil)
}

func waitAcross(r *rig) {
	r.turn(message(place, 1), said(1))
	r.accept(message(place, 2))
	r.ok(r.Reset(r.Context(), place.Session()))
	t := r.begin(place.Session())
	same(r, "the turn", ids(t.Inbound), []agent.MessageID{"M2"})
	es, err := r.History(r.Context(), t, 1e6)
	r.ok(err)
	same(r, "history", es, nil)
}
