package markup

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Page is one message's worth of a Markdown document.
type Page struct {
	// Source is the piece of the Markdown that the page shows. The Sources of all
	// pages, joined, are the Markdown byte for byte.
	Source string
	// Text is in the platform's mark-up, within its limits, and well-formed without
	// its neighbours. It is never blank.
	Text string
	// Plain is Text without mark-up, at most 3,000 characters, for notifications.
	// For Slack its & < > are escaped.
	Plain string
}

// Slack returns pages for one Slack markdown block each. Such a block takes 12,000
// characters; Slack also refuses what comes out at more than about 13,200 characters
// with & < > escaped and some 100 more for each heading, or at more than 50 blocks.
// A page stays at about 10,000 and 40.
//
// Every < of the Markdown that is no mark-up comes out as an entity, so no mention is
// live as long as the message is sent without link_names and parse=full.
//
// Blank Markdown has no pages. For Markdown that grows at its end, all pages but the
// last stay as they are.
func Slack(md string) []Page { return paginate(md, slackBlocks) }

// SlackText returns pages of Slack's own mrkdwn of at most 4,000 characters, which is
// what chat.update takes as text: the last resort when a block is refused. The cuts
// are not those of [Slack]. Otherwise it behaves as [Slack] does.
func SlackText(md string) []Page { return paginate(md, slackText) }

// Discord returns pages of Discord's Markdown of at most 1,690 UTF-16 units, which leaves
// room for the lines that frame an answer within the 2,000 of a message's content.
// Otherwise it behaves as [Slack] does.
func Discord(md string) []Page { return paginate(md, discord) }

// placeholder is shown for Markdown that is not blank but has nothing to show, such
// as a lone comment.
const placeholder = "…"

// progress is what is known of a document however it goes on: its full pages, where
// its last page begins, and what that depends on. It is never changed.
type progress struct {
	pages   []Page
	start   int // of the last page
	carried carry
	held    string // source of pages with nothing to show, for the next page
	defs    definitions
	read    int     // how much of the document has decided this
	page    *partly // the beginning of the last page, if it is worth keeping
}

func paginate(md string, d *dialect) []Page {
	pages, _ := advance(d, md, progress{}, false)
	return pages
}

// advance returns the pages of md, of which p is known already, and what is then
// known; if settle is set, about the beginning of the last page too.
func advance(d *dialect, md string, p progress, settle bool) ([]Page, progress) {
	if strings.TrimSpace(md) == "" {
		return nil, progress{}
	}
	base := p.start
	src := sanitize(md[base:])
	for p.start < len(md) {
		rest := src[p.start-base:]
		end := p.page.spend(d, p.carried, rest)
		if end == len(rest) {
			break
		}
		p = p.fill(d, md, rest, end)
	}
	pages, held := p.pages[:len(p.pages):len(p.pages)], p.held
	if p.start < len(md) {
		var last Page
		last, p.page = p.last(d, src[p.start-base:], settle)
		last.Source = held + md[p.start:]
		held = last.Source
		if last.Text != "" {
			pages, held = append(pages, last), ""
		}
	}
	switch {
	case held == "":
	case len(pages) > 0:
		last := pages[len(pages)-1]
		last.Source += held
		pages = append(pages[:len(pages)-1:len(pages)-1], last)
	default:
		pages = []Page{{Source: held, Text: placeholder, Plain: placeholder}}
	}
	return pages, p
}

// fill adds a full page, for which rest was read up to end.
func (p progress) fill(d *dialect, md, rest string, end int) progress {
	window := end
	length, next := cut(d, p.carried, rest[:window], p.defs)
	full, o := compose(d, p.carried, rest[:length], p.defs)
	for o.oversize && window > end/4 {
		// The costs were underestimated. That must not show in a page that stays.
		for window = window * 3 / 4; !utf8.RuneStart(rest[window]); {
			window--
		}
		length, next = cut(d, p.carried, rest[:window], p.defs)
		full, o = compose(d, p.carried, rest[:length], p.defs)
	}
	full.Source = p.held + md[p.start:p.start+length]
	_, size := utf8.DecodeRuneInString(rest[end:])
	q := progress{pages: p.pages, start: p.start + length, carried: next, defs: p.defs,
		read: p.start + end + size}
	if o.doc != nil {
		q.defs = p.defs.with(o.doc)
	}
	if full.Text == "" {
		q.held = full.Source
	} else {
		q.pages = append(p.pages[:len(p.pages):len(p.pages)], full)
	}
	return q
}

// last renders rest as the last page.
func (p progress) last(d *dialect, rest string, settle bool) (Page, *partly) {
	if p.page != nil {
		if page, next, ok := p.page.compose(d, rest); ok {
			return page, next
		}
	}
	page, o := compose(d, p.carried, rest, p.defs)
	if !settle || o.doc == nil || o.defines {
		return page, nil
	}
	nothing := &partly{defs: p.defs, meter: newMeter(d, p.carried.text)}
	if part := nothing.settle(rest, o); part != nothing {
		return page, part
	}
	return page, nil
}

// compose renders one page from what is carried into it and its piece of the source.
// The parse is empty if there was none.
func compose(d *dialect, carried carry, src string, defs definitions) (Page, composed) {
	if tangled(src) {
		return Page{Text: verbatim(d, src), Plain: plainText(d, src)}, composed{}
	}
	c := composed{opened: parseOpen(carried, src, defs)}
	c.text, c.plain = render(d, "", c.opened), render(plain, "", c.opened)
	text := c.text.trimmed()
	c.oversize = d.over(text)
	return finish(d, src, text, c.plain.trimmed(), c.oversize), c
}

// composed is what a page was made of.
type composed struct {
	opened
	text, plain written
	oversize    bool // it is over the limit, so that it is shown as its source
}

// finish makes a page of its texts, of which the first may be over the limit.
func finish(d *dialect, src, text, plainForm string, oversize bool) Page {
	p := Page{Text: text, Plain: plainText(d, plainForm)}
	if oversize {
		p.Text = verbatim(d, src)
	}
	if p.Text != "" && strings.TrimSpace(p.Plain) == "" {
		p.Plain = placeholder
	}
	return p
}

// maxPlain is how many characters Plain may have: more than any notification shows,
// and no more than a section block takes, should an adapter put it there.
const maxPlain = 3000

// plainText bounds s, and escapes it for Slack.
func plainText(d *dialect, s string) string {
	s = strings.TrimSpace(s)
	room := maxPlain - 1
	for i, r := range s {
		if len(s)-i <= room/len("&amp;") {
			break // the rest has room, whatever it is
		}
		units := max(utf16.RuneLen(r), 1)
		if d.escapesEntities {
			switch r {
			case '&':
				units = len("&amp;")
			case '<', '>':
				units = len("&lt;")
			}
		}
		if room -= units; room < 0 {
			s = s[:i] + "…"
			break
		}
	}
	if d.escapesEntities && strings.ContainsAny(s, "&<>") {
		s = entityEscaper.Replace(s)
	}
	return s
}
