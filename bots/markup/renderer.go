package markup

import (
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// Renderer renders Markdown as one of [Slack], [SlackText] and [Discord] does, with
// the same result to the byte, and remembers what is settled of the documents it saw
// last: full pages, and the blocks of the last page that text to come has no part in.
// A document that grows at its end costs only what is new, as long as it is shown
// again within two minutes. What is remembered is at most about 16 MiB of text.
//
// Its methods are safe for concurrent use, for many growing documents in any order.
// The zero Renderer is not usable.
type Renderer struct {
	dialect *dialect
	max     int // bytes that may be remembered

	mu    sync.Mutex
	known []*memory // the one used last is the last
	size  int
}

// memory is of a Markdown document that was rendered.
type memory struct {
	text string // what its progress depends on
	progress
	used time.Time
	size int
}

const (
	maxRemembered = 16 << 20
	maxDocuments  = 1024
	rememberedFor = 2 * time.Minute
	// minRemembered is what a document must have settled to be worth a place.
	minRemembered = 200
)

// NewSlack returns a Renderer that renders as [Slack] does.
func NewSlack() *Renderer { return &Renderer{dialect: slackBlocks, max: maxRemembered} }

// NewDiscord returns a Renderer that renders as [Discord] does.
func NewDiscord() *Renderer { return &Renderer{dialect: discord, max: maxRemembered} }

// Render returns the pages of md. The slice is the caller's.
func (r *Renderer) Render(md string) []Page {
	from := r.find(md)
	var p progress
	if from != nil {
		p = from.progress
	}
	pages, p := advance(r.dialect, md, p, true)
	if last, size := utf8.DecodeLastRuneInString(md); last == utf8.RuneError && size == 1 {
		return pages // a character may be cut here, and turn out to be another
	}
	r.remember(from, md, p)
	return pages
}

// find returns the memory of the document of which md is known to be a continuation that saves most.
func (r *Renderer) find(md string) *memory {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget(time.Now().Add(-rememberedFor))
	var best *memory
	for _, d := range slices.Backward(r.known) {
		if (best == nil || len(d.text) > len(best.text)) && strings.HasPrefix(md, d.text) {
			best = d
			if len(md)-len(d.text) < 4<<10 {
				break // hardly worth a longer search
			}
		}
	}
	return best
}

// remember stores what is known of md, in place of what it was found from.
func (r *Renderer) remember(from *memory, md string, p progress) {
	read := p.read
	if p.page != nil {
		read = max(read, p.start+p.page.read)
	}
	if read < minRemembered {
		return
	}
	d := &memory{text: md[:read], progress: p, used: time.Now(), size: p.size() + read}
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := slices.Index(r.known, from); i >= 0 {
		r.drop(i)
	}
	r.known = append(r.known, d)
	r.size += d.size
	for len(r.known) > maxDocuments || r.size > r.max && len(r.known) > 0 {
		r.drop(0)
	}
}

// forget drops the documents that were used last before then.
func (r *Renderer) forget(then time.Time) {
	for len(r.known) > 0 && r.known[0].used.Before(then) {
		r.drop(0)
	}
}

func (r *Renderer) drop(i int) {
	r.size -= r.known[i].size
	r.known = slices.Delete(r.known, i, i+1)
}

// size is about how much memory p holds on to.
func (p progress) size() int {
	n := 256 + len(p.carried.text) + len(p.carried.inline) + len(p.held)
	for _, page := range p.pages {
		n += 48 + len(page.Text) + len(page.Plain)
	}
	if p.page != nil {
		n += 256 + len(p.page.text) + len(p.page.plain)
	}
	return n
}
