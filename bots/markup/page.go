package markup

import (
	"strings"
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

// Discord returns pages of Discord's Markdown of at most 2,000 UTF-16 units, the
// limit of a message's content. Otherwise it behaves as [Slack] does.
func Discord(md string) []Page { return paginate(md, discord) }

// placeholder is shown for Markdown that is not blank but has nothing to show, such
// as a lone comment.
const placeholder = "…"

func paginate(md string, d *dialect) []Page {
	if strings.TrimSpace(md) == "" {
		return nil
	}
	src := sanitize(md)
	var (
		pages   []Page
		carried carry
		held    string // source of pages with nothing to show, for the next page
		defs    = definitions{}
	)
	for start := 0; start < len(src); {
		rest := src[start:]
		end := spend(d, carried.text, rest)
		length, next := len(rest), carry{}
		if end < len(rest) {
			length, next = cut(d, carried, rest[:end], defs)
		}
		p := compose(d, carried, rest[:length], defs, end < len(rest))
		p.Source = held + md[start:start+length]
		held = ""
		start += length
		carried = next
		if p.Text == "" {
			held = p.Source
			continue
		}
		pages = append(pages, p)
	}
	switch {
	case held == "":
	case len(pages) > 0:
		pages[len(pages)-1].Source += held
	default:
		pages = append(pages, Page{Source: held, Text: placeholder, Plain: placeholder})
	}
	return pages
}

// compose renders one page from what is carried into it and its piece of the source.
// The link definitions of a page that is full are added to defs.
func compose(d *dialect, carried carry, src string, defs definitions, full bool) Page {
	if tangled(src) {
		return Page{Text: verbatim(d, src), Plain: plainText(d, src)}
	}
	o := parseOpen(carried, src, defs)
	if full {
		defs.add(o.doc)
	}
	p := Page{Text: render(d, o), Plain: plainText(d, render(plain, o))}
	if d.size(p.Text) > d.hard {
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
	var b strings.Builder
	room := maxPlain - 1
	for _, r := range strings.TrimSpace(s) {
		piece := string(r)
		if d.escapesEntities {
			piece = entityEscaper.Replace(piece)
		}
		if room -= unitsOf(piece); room < 0 {
			b.WriteString("…")
			break
		}
		b.WriteString(piece)
	}
	return b.String()
}
