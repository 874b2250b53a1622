package reply

import (
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"

	"bobbin/agent"
	"bobbin/bots"
)

const (
	// wholeBelow stands under the part of a long answer that is shown.
	wholeBelow = "The whole answer is in the file below"
	// fileName is what a long answer is called.
	fileName = "answer.md"
	// maxFileTries is how often a file is posted that the platform refuses without saying why.
	maxFileTries = 3
	// maxName bounds how much of a file's name a sentence tells, in characters.
	maxName = 60
)

// shorten leaves as many pages as an answer may take. With the whole Markdown, what
// follows them is the page that gives it as a file; without, the answer is still growing.
func (l *live) shorten(pages []bots.Message, whole string) (kept, file []bots.Message) {
	_, can := l.platform.(bots.Uploader)
	if !can || l.noFile || l.MaxParts <= 0 || len(pages) <= l.MaxParts {
		return pages, nil
	}
	if kept = pages[:l.MaxParts]; whole == "" {
		return kept, nil
	}
	if l.file == nil {
		l.file = upload(fileName, []byte(whole))
	}
	return kept, []bots.Message{{File: l.file}}
}

// given is a file that goes with an answer.
type given struct {
	*bots.Upload
	tries   int
	refused string // why it cannot be shown, as people read it
}

// gives returns the pages that give what a turn has made, and a sentence for each file that
// cannot be shown.
func (l *live) gives(made []agent.Made) (pages []bots.Message, sorry string) {
	if len(made) == 0 {
		return nil, ""
	}
	if l.given == nil {
		_, can := l.platform.(bots.Uploader)
		for _, m := range made {
			g := &given{Upload: upload(m.Name, m.Data)}
			if !can {
				g.refused = whyNot(bots.ErrNoFiles)
			}
			l.given = append(l.given, g)
		}
	}
	var sentences []string
	for _, g := range l.given {
		if g.refused == "" {
			pages = append(pages, bots.Message{File: g.Upload})
		} else {
			sentences = append(sentences, fmt.Sprintf("I made “%s”, but %s.", literal(g.Name, maxName), g.refused))
		}
	}
	if len(sentences) > 0 {
		sorry = "⚠️ " + strings.Join(sentences, " ")
	}
	return pages, sorry
}

// fileRefused notes that the platform will not have a file. An error means that it is asked
// once more.
func (l *live) fileRefused(f *bots.Upload, err error) error {
	for _, g := range l.given {
		if g.Upload != f {
			continue
		}
		definite := errors.Is(err, bots.ErrTooLarge) || errors.Is(err, bots.ErrNoFiles) || errors.Is(err, agent.ErrUndeliverable)
		if g.tries++; !definite && g.tries < maxFileTries {
			return fmt.Errorf("post a file: %w", err)
		}
		l.log.Warn("a file cannot be shown, so its answer says that", "size", len(f.Content), "error", err)
		g.refused = whyNot(err)
		return nil
	}
	l.log.Warn("a long answer cannot be given as a file, so all of it is shown", "error", err)
	l.noFile = true
	return nil
}

func whyNot(err error) string {
	switch {
	case errors.Is(err, bots.ErrTooLarge):
		return "it is too large to be posted here"
	case errors.Is(err, bots.ErrNoFiles), errors.Is(err, agent.ErrUndeliverable):
		return "I may not post files here"
	}
	return "it could not be posted here"
}

// upload is a file that can be told from others.
func upload(name string, content []byte) *bots.Upload {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%d %s", len(name), name) // a hash takes all
	_, _ = h.Write(content)
	return &bots.Upload{Name: name, Content: content, Sum: base32.StdEncoding.EncodeToString(h.Sum(nil))[:20]}
}

func sumOf(f *bots.Upload) string {
	if f == nil {
		return ""
	}
	return f.Sum
}
