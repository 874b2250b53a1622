// Package badgerstore keeps sessions in a Badger directory: it implements
// [agent.Store].
//
// # Keys
//
//	v                           schema version
//	k/SESSION                   the session is known: when something was last accepted
//	p/PLATFORM                  when the platform was last heard
//	h/SESSION                   head: generation, number of committed entries
//	i/SESSION 0 SEQ             inbox, in order of acceptance
//	d/e/PLATFORM 0 EVENT        an event id that was accepted; expires
//	d/m/PLATFORM 0 MESSAGE      a message id that was accepted; expires
//	t/SESSION                   the turn under way
//	j/SESSION 0 e N             its journal: entry N of finished steps
//	j/SESSION 0 c CALL          a call with side effects that was started
//	j/SESSION 0 p KEY           a part of the reply
//	j/SESSION 0 o               the outcome
//	m/SESSION 0 GEN SEQ         the transcript, one key per entry
//	x/t/TURN                    an abandoned turn: why, when, how far it came
//	x/i/TURN 0 N                what it should have answered
//
// Numbers are 8 bytes, big-endian. A session id holds no NUL byte, so the prefix of one
// session is never the prefix of another.
//
// # Why
//
// Context: the transcript grows for months, while a turn needs its newest few entries
// and must survive a crash at any moment.
//
// Decision: one key per entry, never rewritten; what a turn still needs stands beside
// it under keys of its own and goes when the turn is committed. Each method is one
// transaction (what is too large for one is written ahead, and the last transaction makes
// it count), and Badger syncs it before it returns (SyncWrites): a process that is
// killed keeps its writes without that, a machine that loses power does not.
//
// Consequences: no operation reads or writes more than one turn and one window, however
// long the session is. The price is one fsync per step, about a third of a
// millisecond on a local disk. Concurrent transactions share fsyncs.
package badgerstore
