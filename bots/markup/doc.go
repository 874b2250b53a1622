// Package markup turns the Markdown that a model writes into what Slack and Discord
// show, in pages that fit their limits, and Slack's inbound text back into Markdown.
// Its functions are pure.
//
// # Why
//
// Context. An answer grows while people watch it, and a long one fills several
// messages. A message that stands should not be edited again, so text that is still
// to come must not change an earlier page. Markdown works against that: a delimiter,
// an underline, a reference may give meaning to text far before it. Model output is
// also hostile now and then: a mention in it would ring a whole channel.
//
// Decision. A page is a function of two things only: its own piece of the source, and
// what is carried over the cut before it, which is itself Markdown ("```go" and a
// line break, a table's header, the bullets around a nested list). Where a page ends
// is found by reading forward and adding up what each character may cost, until the
// budget is spent; text after that point is never looked at. So pages that are full
// stay as they are by construction. Underlined (setext) headings and HTML blocks are
// not recognised, and a link definition counts only from where it stands.
//
// The piece is parsed by goldmark and written anew for the platform, never patched
// with regular expressions, so that each character is known to be text, code, or
// address when it is made harmless. Inline constructs that are open where a page or
// the answer so far ends are closed first, so that a half-written "**bold" is shown
// bold.
//
// Consequences. A sum of costs is an estimate. Should a page still come out over the
// hard limit, or be built to make parsers slow, it is shown as its literal source in
// a code block, whose size the costs do bound. An emphasis or a code span that is
// never closed in the last paragraph of a finished answer is shown as if it were
// closed there.
package markup
