// Package badgerstore keeps sessions in a Badger directory: it implements
// [agent.Store].
//
// # Keys
//
//	v                           schema version
//	k/SESSION                   the session is known: when something was last accepted, how many messages were
//	p/PLATFORM                  when the platform was last heard
//	h/SESSION                   head: generation, number of committed entries, messages that were answered or set aside
//	i/SESSION 0 SEQ             inbox, in order of acceptance
//	d/e/PLATFORM 0 EVENT        an event id that was accepted; expires
//	d/m/PLATFORM 0 MESSAGE      a message id that was accepted, and the session; expires
//	a/PLATFORM 0 MESSAGE        the answer that a message of bobbin's is of; expires
//	t/SESSION                   the turn under way
//	j/SESSION 0 e N             its journal: an entry of finished steps, in the order of N, with the
//	                            files that were made in it
//	j/SESSION 0 c CALL          a call with side effects that was started
//	j/SESSION 0 p KEY           a part of the reply
//	j/SESSION 0 o               the outcome, and the parts that were to be posted with it
//	m/SESSION 0 GEN SEQ         the transcript, one key per entry
//	m/SESSION 0 GEN SEQ N       results put in behind an entry; likewise in the journal
//	l/SESSION                   the turn that was committed last, for as long as it can be answered once more
//	f/SESSION 0 TURN 0 USER     what somebody thinks of an answer
//	u/PLATFORM 0 TIME TURN      what a turn has cost, and for whom; expires
//	c/PLATFORM 0 CHANNEL        a direct channel; expires
//	x/t/TURN                    an abandoned turn: why, when, how far it came
//	x/i/TURN 0 N                what it should have answered
//	z/N                         a damaged record that was set aside
//	e                           something was erased: the files are to be written anew
//
// Numbers are 8 bytes, big-endian. A session id holds no NUL byte, so the prefix of one
// session is never the prefix of another.
//
// # Damage
//
// What cannot be read, or cannot stand where it stands, is found when it is needed, and
// put right then: the record moves to z/, with why and when, and the admin finds a line
// in the log. Once that is done, the next look finds nothing.
//
//	transcript entry     set aside; its results with it, if it called tools
//	orphan result        set aside
//	orphan call          a failed result is written behind its step
//	head                 made anew from the last entry
//	inbox message        set aside; the others are answered
//	turn                 made anew, with its journal, for all messages that wait; its
//	                     outcome is set aside, since what it answered is not known
//	journal entry        like a transcript's; a call at the journal's end stays open
//	part of the reply    made anew from its key: perhaps posted
//	outcome              set aside; the model is asked again. A message that only this
//	                     record told of is not edited on
//	abandoned turn       made anew from its key and its messages
//	half a commit        what it has written ahead is removed, and it is done again
//
// If the store cannot be written, all of these are left out, and the session goes on.
//
// # Why
//
// Context: the transcript grows for months, while a turn needs its newest few entries
// and must survive a crash at any moment.
//
// Decision: one key per entry, never rewritten; what a turn still needs stands beside
// it under keys of its own and goes when the turn is committed. Each method is one
// transaction (what is too large for one is written ahead, and the last transaction makes
// it count). Badger only writes it, which a process that is killed cannot undo; for a
// machine that loses power the store itself syncs Badger's log before it returns, once
// for all transactions that wait at the same time. Badger would sync for each of them,
// one after the other. On systems other than Linux it does.
//
// Not worth a wait are Begin, the outcome until it is to be shown, the id of a part that
// was posted, Commit, and when a platform was heard: they are durable with the next write
// that is, as the log keeps their order. If the power goes before that, the turn begins
// again before anything was built on it, the part is found by its key, what was answered
// is delivered, and committed, once more, and more messages are read again than were
// missed. So a turn that answers at once waits for the disk once, and another time beside
// the model.
//
// Consequences: no operation reads or writes more than one turn and one window, however
// long the session is. The price is one wait for the disk per step, about a quarter of a
// millisecond on a local one, which all sessions share: with more of them it is the
// processor that bounds the turns per second. The store relies on where Badger keeps its
// log, which a test watches, and after a sync that has failed it writes nothing more (see
// [ErrNotKept]).
//
// What waits in an inbox is known in memory, too, by its numbers, and of a turn under way
// what its record, its session's head and its journal's keys say: to look for them would
// be to step over all that was deleted there. Whoever changes these holds the session's own
// lock, for as long as a transaction takes. A session that has nothing to do costs no
// memory.
package badgerstore
