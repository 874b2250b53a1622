// Package reply shows a turn's answer as messages that are edited while it grows: it
// implements [agent.Replies] on any [bots.Platform].
//
// # Why
//
// Context: platforms let a bot change its messages about once a second, counted over a
// whole workspace or channel; a model writes much faster. Who edits at each delta is
// told to slow down, and the edit that is lost then is the last one.
//
// Decision: the model never waits for the platform. Each live reply keeps only its
// newest text. One pacer grants edits per scope as the platform's budget allows, in this
// order: a final text, a first text, the reply that has been stale for longest. What is
// shown is computed when the grant comes, from the text as it is then.
//
// A message is journaled before it is posted, and looked for on the platform whenever it
// may stand although nobody said so. One that can no longer be edited leaves the reply and
// those after it move up, since a new message can only stand at the end.
//
// Consequences: a reply alone is as fast as the platform lets it be, many share the
// budget evenly, and the final text always lands: it is tried until it stands or the
// platform says that it never can.
package reply
