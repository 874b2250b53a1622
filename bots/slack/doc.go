// Package slack connects bobbin to one Slack workspace through slack-go. No type of
// slack-go leaves it.
//
//	Socket Mode ─▶ reader ─┐                    ┌─▶ lanes, one worker each ─▶ accept ─▶ ack
//	HTTP /slack/events ────┴─▶ decode ─▶ Event ─┘
//	slash command ─▶ root message (ask) ─▶ accept; acknowledged after 2.5 s at the latest
//	button, menu of a message ─▶ accept, past the lanes; acknowledged likewise
//
// # Why
//
// Context: Slack wants every delivery acknowledged within three seconds and sends
// again what is not. slack-go's client of Socket Mode hands each event through four
// goroutines and decodes it several times, stops reading when its consumer is slow,
// does not acknowledge what it cannot decode, and closes a socket whose end is announced
// before it has another. slack-go waits without a limit on a silent server. One post in a
// channel reaches an app as two events with different ids, and a lost answer to
// chat.postMessage leaves open whether the message stands.
//
// Decision: slack-go makes the calls but for those that read history, which it would lose,
// and those that post and edit, on which it spends thrice what they need. The socket that
// it asks Slack for is read here. Its reader only decodes and enqueues. A few workers
// accept the events, all events of one conversation in the same one, and acknowledge only
// what was accepted, on the socket that it came on; when their queues are full, an event
// is left for Slack to deliver again. An event is decoded once, and not by slack-go: only
// the fields that are used must have the form they are known to have, so that a new kind
// of block cannot cost a message, and Socket Mode and HTTP mode share one path. A message
// is named by channel and timestamp, so that both events of a post are one message. Each
// post carries its key in the message's metadata, which is where Find looks. Answers are
// one markdown block with a text fallback: such a message shows no "(edited)" mark.
//
// An answer grows by edits, or in a stream of Slack's own. A stream is only ever appended
// to, so it is given what will not look different when the Markdown goes on, which is
// found by rendering several ways in which it might. Slack ends a stream after five
// minutes, refuses edits as long as it lives, and keeps no key with its start. So a stream
// is one call of Edit like any other: where it does not go on, or its state is in doubt, it
// is ended and its message edited, which shows the whole text whatever stood before. Only
// the first message of an answer is streamed; if the answer to its start was lost, it is
// bobbin's only message behind the question without a key.
//
// What was missed: a time up to which all events are known to have been accepted is
// kept through [bots.Memory], by Slack's clock, and never moves past an event that is
// not accepted. After a start, after a gap that Slack does not bridge by delivering
// again, and where such an event is given up, the history of bobbin's conversations and
// threads since then goes the way of a live event, at a pace that leaves more than half
// of each limit to live traffic. A connection on which nothing arrives for minutes is
// held against the history of the places where bobbin was spoken to last; if people
// write there, it is replaced.
//
// Consequences: order holds within a conversation and nowhere else. An event that
// cannot be accepted comes again after about a second, a minute and five minutes, and
// is then read from history, if Memory is there. Find and catching up need the history
// scopes, and catching up those that list conversations; what a scope excludes is
// skipped. Commands, buttons, reactions, changes and deletions leave no history and cannot
// be caught up with. A message whose markdown block Slack refuses is shown as mrkdwn in
// section blocks, or without blocks instead, and where that is longer than an edit may be,
// the caller is told that the message is gone and posts another one. A stream lags behind
// its text by a word, or by a construct that is still open, and shows no Stop button of
// bobbin's; Slack's own stands there if the app is an agent.
package slack
