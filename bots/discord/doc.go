// Package discord connects a bot account on Discord: mentions, direct messages,
// replies, threads and slash commands come in, answers go out as messages that are
// edited while they grow.
//
// # Why a gate in front of discordgo
//
// discordgo speaks the gateway's protocol: it identifies, resumes, and keeps the heart
// beating. Its version 0.29.0 also hangs without a deadline when the gateway falls
// silent, locks itself up for good when the first packet asks it to reconnect, walks
// into null pointers in its own goroutines on a dispatch that is not as documented, and
// drops a whole message for one kind of component that it does not know. So it does
// not hold the connection itself. A gate does: one WebSocket to Discord on the far side, one
// through a pipe to discordgo on the near side. The gate keeps the deadlines, sees the
// close codes, checks every frame, and ends the connection for what discordgo cannot
// take. Dispatches pass under another name and empty, so that discordgo counts them and
// tells of them; this package decodes the few fields that it needs of what they say.
//
// Above the gate a supervisor connects again: the same discordgo session to resume, a
// new one to start over, with growing pauses and a budget of identifies that stays well
// below the 1,000 a day after which Discord takes the token away. A session that does
// not let go is abandoned. Close codes that no reconnect can mend end Run with an
// error that says what an admin must do.
//
// The price is a second frame in memory for each, and some knowledge of the
// protocol outside the library that is there to have it.
//
// # Why an own REST client
//
// discordgo's client sleeps through rate limits without looking at the context, holds
// one lock per route over the whole request, repeats posts after a 502, shares one
// bucket between all interactions and never frees their buckets. The calls that
// bobbin makes are few, so they are made with net/http: each once, each ending with
// its context, a 429 as an error for those who pace. A route that Discord has closed
// is not tried until it is open again.
//
// # Where answers go
//
// The thread that is started on a message has that message's id. So the session of a
// mention is known before there is a thread, and the thread is opened when there is
// something to show; opening it again does no harm. Where it cannot be opened the answer
// becomes a reply in the channel, and a chain of such replies is one session: a reply to
// an answer of an earlier run is followed back to the first question. Only the first
// message of an answer refers to its question, so a reply to a further one begins anew
// once the process has forgotten it. A MessageID therefore names its channel.
//
// A post carries its key as an enforced nonce. Discord then returns the first message
// instead of making a second one, for a few minutes; the gateway also tells the nonce
// of our own messages. History does not show nonces. What lasts is the reference of an
// answer's first message to the question, and the order of messages in a thread that was
// opened for the question; Find goes by these where they leave no doubt. In a DM or
// further down a thread neither helps, so a post whose outcome was lost there may be made
// again if bobbin comes back later than Discord remembers nonces.
//
// # What was missed
//
// Discord delivers a message once, over a connection that may be down, or open and deaf.
// So the time before which everything is taken in is kept, in the messages' own time,
// and after each start of a gateway session the history since then is read, through the
// same door as live messages: DMs first, then the places where bobbin was spoken to last,
// and DMs that have been quiet for long at the end. It takes less than half of the calls
// that an account may make. The gateway's silence is checked against the history of the
// places where something was said last. What was read again is known by its ids, which the
// store has to remember for longer than the catch-up's window.
//
// Discord lists a bot's DMs nowhere. One becomes known, and stays so for a year at least,
// when anything is seen to happen in it: a message, a command, a reaction, somebody typing.
// All of the window is read then, before the message that gave it away is taken in, because
// what was said there may have been missed long before the last absence; it counts as known
// only once that is done. bobbin could also ask for the DM of everybody who has spoken to
// it in a server. It does not: bots that open many DMs are taken for spam, at numbers that
// Discord does not tell, and then can neither join servers nor write to new people. That is
// too high a price for one person's first words.
//
// Not to be had, then, are slash commands, because history does not hold them, and what a
// person writes in their very first DM while bobbin is down, unless they show up there
// again within the window.
//
// # Why /ask is acknowledged before it is accepted
//
// The acknowledgement becomes a message, and its id is the session's thread. It also
// has to come within three seconds, whatever the database does. So it comes first, and
// if the question cannot be accepted then, it turns into an apology. Should the process
// die in the moment between, Discord itself says that there was no response: nothing was
// accepted, and nothing is owed. The first post makes the acknowledgement a quote of
// the question; the answer follows in the thread on it or, in a DM or a thread,
// below it, as messages of our own, which can be edited after the interaction's
// fifteen minutes, found again, and are never posted twice.
//
// # What surrounds an answer
//
// Discord's sign of typing has no words, so what is being done stands in the message
// itself, as a small line above the text. Each edit states all of the text, and all of
// the buttons, so that what is no longer wanted goes. A button carries the name of its
// turn: a press needs no memory of ours, and reaches no other turn than its own. It is
// acknowledged before it is accepted, with nothing to see; a word about it goes to the
// one who pressed.
//
// # What changes afterwards
//
// Discord tells of edits, previews and pins alike, so an update counts as an edit only
// if the time of the last edit is another. It does not say who wrote a message that is
// gone, so the author of one from an earlier run is not known. Neither is caught up on:
// history shows what a message says now, and not that it said something else. A file's
// address is signed and runs out after a day; its id names the message, which is read
// again then.
//
// Whether a server is new is seen from when bobbin joined it, and whether a person is from
// an empty history, so that no reconnect and no restart says hello twice.
package discord
