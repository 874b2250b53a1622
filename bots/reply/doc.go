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
// newest text. One pacer grants edits as the platform's budget allows, in this order: a
// final text, a first text, the reply that has been stale for longest. What is shown is
// computed when the grant comes, from the text as it is then. A reply that waits, for text or
// for a grant, has no goroutine: there may be thousands.
//
// Limits lie within limits, as a channel's within an account's, and a call needs the leave
// of each. Edits are spread evenly over what a limit allows in its window, and leave a call
// of the burst to final texts; only a reply that begins after a quiet time goes faster. A
// platform that counts in its answers is believed over what is documented. One that refuses
// calls is obeyed, and its rate is halved and found again step by step; that is remembered
// for half an hour or so.
//
// A message is journaled before it is posted, and looked for on the platform whenever it
// may stand although nobody said so. One that can no longer be edited leaves the reply and
// those after it move up, since a new message can only stand at the end.
//
// What a turn has made stands below its answer: a file is a message like any other, and what
// is journaled of it tells which file it is, so that after a crash the same one is not posted
// twice, and another answer's does not stay. A file that the platform refuses becomes a
// sentence of the answer.
//
// Consequences: a reply alone is as fast as the platform lets it be, many share the
// budget evenly and show text that is hardly older than any order of edits could have it
// (see BenchmarkStaleness), and the final text always lands: it is tried until it stands or the
// platform says that it never can.
package reply
