package agent

import (
	"fmt"
	"path"
	"strings"
)

// Made is a file that a tool has made for people. It stands below the answer of its turn.
// It is journaled with the result of the call, so that a crash neither loses it nor has it
// made twice, and goes when the turn ends: the transcript keeps a note.
type Made struct {
	Name string `json:"name"` // with its extension
	Type string `json:"type"` // MIME
	Data []byte `json:"data"`
}

// What is made beyond these bounds is left out, and the model is told.
const (
	MaxMade      = 4       // files of a turn
	MaxMadeBytes = 8 << 20 // of one file; below what each platform takes
)

// keepMade bounds the files of results that are about to be journaled, and tells the model
// what became of them.
func (t *Turn) keepMade(results ...Entry) {
	room := MaxMade - len(t.made())
	for i := range results {
		e := &results[i]
		if e.Made == nil {
			continue
		}
		var kept []Made
		for _, m := range *e.Made {
			m.Name = fileLabel(m.Name)
			if path.Ext(m.Name) == m.Name { // also if nothing is left
				m.Name = "file" + m.Name
			}
			switch {
			case len(m.Data) == 0, len(m.Data) > MaxMadeBytes:
				e.Text += fmt.Sprintf("\n[The file “%s” cannot be given to people: it is empty, or larger than %d MiB.]", m.Name, MaxMadeBytes>>20)
			case room == 0:
				e.Text += fmt.Sprintf("\n[The file “%s” cannot be given to people: an answer has at most %d files.]", m.Name, MaxMade)
			default:
				room--
				kept = append(kept, m)
				e.Text += fmt.Sprintf("\n[The file “%s” is given to people below your answer. Do not link to it.]", m.Name)
			}
		}
		if e.Made = nil; len(kept) > 0 {
			e.Made = &kept
		}
	}
}

// made are the files that the turn has made so far, in their order.
func (t *Turn) made() (all []Made) {
	for i := range t.Entries {
		if m := t.Entries[i].Made; m != nil {
			all = append(all, *m...)
		}
	}
	return all
}

// hereItIs is said for a model that has made something and says nothing.
const hereItIs = "Here it is."

// withMade gives an outcome what its turn has made. One that gives the turn up gets
// nothing, as it may be a file that cannot be shown.
func (t *Turn) withMade(o Outcome) Outcome {
	if o.GivenUp == "" && o.Kind != Withdrawn && o.Kind != Paused {
		o.Made = t.made()
	}
	return o
}

// withoutBytes returns entries as they are kept. Files are too large for that: a picture
// would be sent with every question that follows, and one that was made has been shown.
func withoutBytes(es []Entry) []Entry {
	kept := make([]Entry, len(es))
	for i, e := range es {
		e.Made = nil
		if e.Image != nil {
			e.Image = nil
			e.Text = strings.TrimSpace(e.Text) + "\n[The picture was shown when it was sent, and is not shown again.]"
		}
		kept[i] = e
	}
	return kept
}
