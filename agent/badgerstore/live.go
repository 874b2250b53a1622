package badgerstore

import (
	"slices"
	"sync"

	"bobbin/agent"
)

// live is what is known of sessions that have something to do, so that it need not be
// looked for: the place in the store where it stands holds the traces of all that was
// done and deleted, too, and each look costs as much as a write. An idle session is not in
// it.
type live struct {
	mu    sync.Mutex                   // held for a look, never across work
	inbox map[agent.SessionID][]uint64 // the messages' numbers, in order, and perhaps ones that are just being written
	turns map[agent.SessionID]*liveTurn
	locks map[agent.SessionID]*liveLock
	// stray are sessions that may have a turn and no message for it, which is damage that
	// Begin puts right.
	stray map[agent.SessionID]bool
}

// liveLock is for who changes what is known of a session's turn. It exists while it is used.
type liveLock struct {
	sync.Mutex
	users int
}

// liveTurn is a turn that was written since the store was opened.
type liveTurn struct {
	id      agent.TurnID
	journal [][]byte     // its keys
	parts   []agent.Part // of the reply, as RecordPart has them
	known   *known       // nil: it is to be read
	// unbegun says that Accept has written it with the message that it answers, and that no
	// worker has it yet. inbound is that message; nil: it is to be read.
	unbegun bool
	inbound []agent.Inbound

	answered bool         // nothing but its commit and messages of its reply is to come
	later    []agent.Part // among parts, those that are written with what comes next
	written  uint64       // the count of transactions when it was written last; see group
}

// known is what a turn's record and its session's head say. It is never changed.
type known struct {
	begun begun
	head  head
}

func newLive() *live {
	return &live{
		inbox: make(map[agent.SessionID][]uint64), turns: make(map[agent.SessionID]*liveTurn),
		locks: make(map[agent.SessionID]*liveLock), stray: make(map[agent.SessionID]bool),
	}
}

// lock keeps others from changing the session's turn and head.
func (l *live) lock(id agent.SessionID) (unlock func()) {
	l.mu.Lock()
	lock := l.locks[id]
	if lock == nil {
		lock = new(liveLock)
		l.locks[id] = lock
	}
	lock.users++
	l.mu.Unlock()
	lock.Lock()
	return func() {
		lock.Unlock()
		l.mu.Lock()
		defer l.mu.Unlock()
		if lock.users--; lock.users == 0 {
			delete(l.locks, id)
		}
	}
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

// strays has Begin look whether a session has a turn and no message.
func (l *live) strays(id agent.SessionID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stray[id] = true
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

// idle reports whether a session has nothing to do.
func (l *live) idle(id agent.SessionID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.inbox[id]) == 0 && l.turns[id] == nil && !l.stray[id]
}

// wrote notes a turn that has nothing in its journal yet.
func (l *live) wrote(id agent.SessionID, t liveTurn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turns[id] = &t
}

// unbegun reports whether the turn that the store has of a session was written by Accept,
// and no worker has it.
func (l *live) unbegun(id agent.SessionID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	turn := l.turns[id]
	return turn != nil && turn.unbegun
}

// begin returns what Accept has written for a worker to begin with, if that is all there
// is to answer.
func (l *live) begin(id agent.SessionID) (*known, []agent.Inbound) {
	l.mu.Lock()
	defer l.mu.Unlock()
	turn := l.turns[id]
	if turn == nil || !turn.unbegun || turn.inbound == nil || turn.known == nil || !slices.Equal(turn.known.begun.Inbox, l.inbox[id]) {
		return nil, nil
	}
	in := turn.inbound
	turn.unbegun, turn.inbound = false, nil
	return turn.known, in
}

// unsure has what is known of a session be read again.
func (l *live) unsure(id agent.SessionID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if turn := l.turns[id]; turn != nil {
		turn.known, turn.inbound = nil, nil
	}
}

// resumed forgets a turn, of whose journal not all may be known.
func (l *live) resumed(id agent.SessionID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.turns, id)
	delete(l.stray, id)
}

// of calls f with what is known of a turn, if anything is.
func (l *live) of(t *agent.Turn, f func(*liveTurn)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if turn := l.turns[t.Session]; turn != nil && turn.id == t.ID {
		f(turn)
	}
}

// known returns what is known of a turn, or nil.
func (l *live) known(t *agent.Turn) (k *known) {
	l.of(t, func(turn *liveTurn) { k = turn.known })
	return k
}

// journals notes a key of the turn's journal that is about to be written.
func (l *live) journals(t *agent.Turn, k []byte) {
	l.of(t, func(turn *liveTurn) { turn.journal = append(turn.journal, k) })
}

// journal returns the keys of the turn's journal and the parts of its reply, if they are
// known.
func (l *live) journal(t *agent.Turn) (journal [][]byte, parts []agent.Part, known bool) {
	l.of(t, func(turn *liveTurn) {
		journal, parts, known = slices.Clone(turn.journal), slices.Clone(turn.parts), true
	})
	return journal, parts, known
}

// recorded notes a part as it is journaled. With later, that is still to be done.
func (l *live) recorded(t *agent.Turn, p agent.Part, later bool) {
	same := func(q agent.Part) bool { return q.Key == p.Key }
	l.of(t, func(turn *liveTurn) {
		turn.parts = append(slices.DeleteFunc(turn.parts, same), p)
		if later {
			turn.later = append(slices.DeleteFunc(turn.later, same), p)
		}
	})
}

// waits reports whether a part's id may be written with what comes next.
func (l *live) waits(t *agent.Turn) (waits bool) {
	l.of(t, func(turn *liveTurn) { waits = turn.answered })
	return waits
}

// later returns what is to be written with what comes next.
func (l *live) later(t *agent.Turn) (parts []agent.Part) {
	l.of(t, func(turn *liveTurn) { parts = turn.later })
	return parts
}

// ended forgets a turn and what it has answered.
func (l *live) ended(t *agent.Turn, inbox []uint64) {
	l.resumed(t.Session)
	l.forget(t.Session, inbox...)
}
