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
// address when it is made harmless.
//
// What is still being written at the end is shown in the form that it will have if it
// turns out as it looks, so that a half-written "**bold" is shown bold; and what cannot
// be told yet, such as "[label", is held back for a while rather than shown and taken
// back. A table takes its layout from its headings and first row, and keeps it.
//
// A [Renderer] remembers what is settled of the documents it saw last: the full pages,
// and on the last page everything before the last block that follows a blank line and is
// in no list or quote. Only text after that is read again, with the same result to the
// byte as that of reading all of it.
//
// Consequences. A sum of costs is an estimate. Should a full page still come out over
// the hard limit, it is cut earlier; a last page, or one that is built to make parsers
// slow, is shown as its literal source in a code block. An emphasis or a code span that
// is never closed in the last paragraph of a finished answer is shown as if it were
// closed there, and up to a hundred characters after a bracket that is never closed at
// its very end are not shown. A link definition that text on an earlier page refers to
// is shown where it stands, because that page is not changed.
package markup
