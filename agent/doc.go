// Package agent is bobbin's kernel: sessions, turns and the inference loop. It
// imports only the standard library and knows no chat platform, no model
// vendor and no database; those stand behind [Replies], [Model] and [Store].
//
// # The way of a message
//
//	Submit ─▶ Store.Accept (deduplicated; durable when it returns) ─▶ one worker per session with work
//	          worker: Store.Begin ─▶ turn: steps (Model.Stream ⇄ Tool.Call) ─▶ Reply.Finish ─▶ Store.Commit
//
// # The durable turn
//
// Each arrow is one transaction of the Store.
//
//	         Accept            Begin                  Answer              Commit
//	message ────────▶ queued ─────────▶ running ───────────────▶ answered ────────▶ delivered
//	   │                                 │    ▲                     │
//	   │ refused: the sender             │    │ Append, StartCall,  │ it cannot be shown
//	   ▼ is told                         │    │ RecordPart          ▼
//	(nothing kept)                       │    └── step by step   set aside ◀── Abandon
//	                                     └── failed for good ───────▲
//
// The disk is waited for where something follows that cannot be undone: before a message
// is acknowledged, before a part of the reply is posted, before a call with side effects
// runs, and before anything of the outcome is shown. The model is asked meanwhile. What a
// loss of power may take is done again: a turn begins once more, an answer that stands is
// committed once more.
//
// A crash leaves the turn in the state it had; the next Begin returns it with its
// journal:
//
//   - running: finished steps are not asked for again. Calls that had no result are run
//     again, unless they have side effects and had started: then the model is told that
//     their outcome is unknown.
//   - answered: the outcome is only delivered.
//   - Messages of the reply that were posted are edited on. One that was about to be
//     posted is looked for by its key before it is posted again.
//
// A message for a session that has nothing else to do is accepted and begun in one
// transaction. Begin counts attempts since the turn last got on. One that takes the daemon down, or
// cannot be finished, is given up after the third: the people are told, and it is set
// aside for the admin. A stop in good order calls Suspend and is no attempt, and neither
// is what happens while a turn waits.
//
// Of the turns that are under way when the daemon dies, at most one is to blame. So the
// third attempt is a trial: it begins when the daemon has lived for a while, and nothing
// runs beside it. Who is merely unlucky passes it. An answer that was there and brings the
// daemon down when it is shown is tried, and given up, in the same way.
//
// # Why
//
// Context: a chat thread is a conversation with one memory. Two turns at once
// in one thread mix their histories, a crash in the middle loses the answer, and
// a retry by the platform produces two.
//
// Decision: each session has at most one worker goroutine, which exists only
// while there is something to do. All that has to survive is in the Store before
// anything that lasts is built on it: the message before it is acknowledged, each finished
// step before the next, each posted message by its key before it is posted, and the
// final text before it is shown as final.
//
// Consequences: a turn that was cut off goes on where it was, in the same
// messages. An idle session costs no memory. The price is a few small synced
// writes per turn, which a model call outweighs a thousandfold. So every message is
// delivered, refused, set aside or pending, and these sum to what came in.
package agent
