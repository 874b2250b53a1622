package reply

import "bobbin/bots"

const (
	// wholeBelow stands under the part of a long answer that is shown.
	wholeBelow = "The whole answer is in the file below"
	// fileName is what a long answer is called.
	fileName = "answer.md"
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
		l.file = &bots.Upload{Name: fileName, Content: []byte(whole)}
	}
	return kept, []bots.Message{{File: l.file}}
}
