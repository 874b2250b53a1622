// Package agent is bobbin's kernel: sessions, turns and the inference loop. It
// imports only the standard library and knows no chat platform, no model
// vendor and no database; those stand behind [Replies], [Model] and [Store].
//
// # The way of a message
//
//	Submit ─▶ Store.Accept (durable, deduplicated) ─▶ one worker per session with work
//	          worker: Store.Begin ─▶ turn: steps (Model.Stream ⇄ Tool.Call) ─▶ Reply.Finish ─▶ Store.Commit
//
// # Why
//
// Context: a chat thread is a conversation with one memory. Two turns at once
// in one thread mix their histories, a crash in the middle loses the answer, and
// a retry by the platform produces two.
//
// Decision: each session has at most one worker goroutine, which exists only
// while there is something to do. All that has to survive is in the Store before
// anything acts on it: the message before it is acknowledged, each finished step
// before the next, each posted message by its key before it is posted, and the
// final text before it is shown as final.
//
// Consequences: a turn that was cut off goes on where it was, in the same
// messages. An idle session costs no memory. The price is a few small synced
// writes per turn, which a model call outweighs a thousandfold.
package agent
