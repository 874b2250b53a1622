// Package botstest holds the behaviour that every [bots.Platform] shares, as one suite.
//
// # Why
//
// Context: bots/reply and the kernel rely on small promises of every platform, such as
// that a key is one message whatever happens to an answer, or that pages of Markdown stay
// as they are while it grows. An adapter's own tests are written from its service's side
// and may miss one.
//
// Decision: the promises are tests of their own, which an adapter runs with a [Rig]: itself,
// and what people can do and see on its service. They run in virtual time.
//
// Consequences: a new platform knows when it is complete, and a new promise is made to all
// of them at once.
package botstest
