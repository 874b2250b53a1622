package badgerstore

import (
	"bytes"
	"slices"
	"sync"

	"github.com/dgraph-io/badger/v4"

	"bobbin/agent"
)

// live is what is known of sessions that have something to do, so that it need not be
// looked for: the place in the store where it stands holds the traces of all that was
// done and deleted, too. An idle session is not in it.
type live struct {
	mu    sync.Mutex
	inbox map[agent.SessionID][]uint64 // the messages' numbers, in order, and perhaps ones that are just being written
	turns map[agent.SessionID]*liveTurn
}

// liveTurn is a turn that began since the store was opened.
type liveTurn struct {
	id      agent.TurnID
	stored  []byte // its record, as it was at its begin
	begun   begun  // the same
	journal [][]byte
}

func newLive() *live {
	return &live{inbox: make(map[agent.SessionID][]uint64), turns: make(map[agent.SessionID]*liveTurn)}
}

// expect says that a message is about to be written, before it can be read.
func (l *live) expect(id agent.SessionID, seq uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	seqs := l.inbox[id]
	if i, found := slices.BinarySearch(seqs, seq); !found {
		l.inbox[id] = slices.Insert(seqs, i, seq)
	}
}

// forget says that messages are gone, or have not come.
func (l *live) forget(id agent.SessionID, gone ...uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	left := slices.DeleteFunc(l.inbox[id], func(seq uint64) bool { return slices.Contains(gone, seq) })
	if len(left) == 0 {
		delete(l.inbox, id)
		return
	}
	l.inbox[id] = left
}

// waiting returns the numbers of the messages that may be in a session's inbox.
func (l *live) waiting(id agent.SessionID) []uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.inbox[id])
}

func (l *live) messages(id agent.SessionID) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.inbox[id])
}

// began notes a turn that has nothing in its journal yet.
func (l *live) began(id agent.SessionID, b begun, stored []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turns[id] = &liveTurn{id: b.ID, begun: b, stored: stored}
}

// resumed forgets a turn, of whose journal not all may be known.
func (l *live) resumed(id agent.SessionID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.turns, id)
}

// journals notes a key of the turn's journal that is about to be written.
func (l *live) journals(t *agent.Turn, k []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if turn := l.turns[t.Session]; turn != nil && turn.id == t.ID {
		turn.journal = append(turn.journal, k)
	}
}

// journal returns the keys of the turn's journal, if they are known.
func (l *live) journal(t *agent.Turn) (journal [][]byte, known bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if turn := l.turns[t.Session]; turn != nil && turn.id == t.ID {
		return slices.Clone(turn.journal), true
	}
	return nil, false
}

// readTurn reads the record of a turn.
func (l *live) readTurn(id agent.SessionID, item *badger.Item) (b begun, err error) {
	l.mu.Lock()
	turn := l.turns[id]
	l.mu.Unlock()
	known := false
	if turn != nil { // of which nothing but the journal changes
		err = item.Value(func(v []byte) error {
			known = bytes.Equal(v, turn.stored)
			return nil
		})
	}
	if known && err == nil {
		return turn.begun, nil
	}
	return b, plausible(item, &b, (*begun).plausible)
}

// ended forgets a turn and what it has answered.
func (l *live) ended(t *agent.Turn, inbox []uint64) {
	l.resumed(t.Session)
	l.forget(t.Session, inbox...)
}
