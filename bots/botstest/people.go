package botstest

import (
	"bytes"
	"slices"
	"strings"

	"bobbin/bots"
)

// said has a person speak to bobbin alone, and write on in a thread, and returns the
// events.
func (b *bot) said() map[string]bots.Event {
	b.Helper()
	b.Direct("hello")
	direct := b.one()
	to := b.asked()
	b.post(to, "KEY-2", "hi")
	b.FollowUp(to, "hello")
	return map[string]bots.Event{"direct message": direct, "follow-up": b.one()}
}

// changed checks an event that tells of the change of a message.
func (b *bot) changed(now, before bots.Event, change bots.Change) {
	b.Helper()
	switch {
	case now.Change != change, now.MessageID != before.MessageID:
		b.Errorf("message %q was changed, got %+v", before.MessageID, now)
	case now.Target.Session() != before.Target.Session(), now.Direct != before.Direct:
		b.Errorf("message %q was in %q, its change is in %q", before.MessageID, before.Target.Session(), now.Target.Session())
	case now.EventID != "" && now.EventID == before.EventID:
		b.Errorf("the change is the delivery %q again", before.EventID)
	case now.Respond == nil, now.Command != "", now.Press != nil:
		b.Errorf("got %+v", now)
	}
}

func revisions(b *bot) {
	if b.Revise == nil {
		b.Skip("this platform does not tell of edits")
	}
	for name, ev := range b.said() {
		for _, text := range []string{"hullo", "hallo"} {
			b.Revise(ev, text)
			now := b.one()
			b.changed(now, ev, bots.Edited)
			if now.Text != text || now.Author.ID != ev.Author.ID {
				b.Errorf("%s: %q became %+v", name, text, now)
			}
		}
	}
}

func retractions(b *bot) {
	if b.Retract == nil {
		b.Skip("this platform does not tell of deletions")
	}
	for _, ev := range b.said() {
		b.Retract(ev)
		b.changed(b.one(), ev, bots.Deleted)
	}
}

func attachments(b *bot) {
	loader, ok := b.Platform.(bots.Downloader)
	if b.Attach == nil || !ok {
		b.Skip("this platform has no files")
	}
	f := bots.Upload{Name: "notes.txt", Content: []byte("warp and weft")}
	for _, text := range []string{"what is this?", ""} {
		b.Attach(text, f)
		ev := b.one()
		b.check(ev)
		if ev.Text != text || len(ev.Files) != 1 || ev.Files[0].Name != f.Name || ev.Files[0].ID == "" || ev.Files[0].Voice {
			b.Fatalf("got %+v", ev)
		}
		size := int64(len(f.Content))
		if got, err := loader.Download(b.ctx, ev.Target, ev.Files[0], size); err != nil || !bytes.Equal(got, f.Content) {
			b.Errorf("read %q, %v", got, err)
		}
		if got, err := loader.Download(b.ctx, ev.Target, ev.Files[0], size-1); err == nil {
			b.Errorf("read %q over the limit", got)
		}
		strange := ev.Files[0]
		strange.ID, strange.URL = "F1", "https://files.example.com/notes.txt"
		if got, err := loader.Download(b.ctx, ev.Target, strange, size); err == nil {
			b.Errorf("read %q from a strange host", got)
		}
	}
}

func uploads(b *bot) {
	up, ok := b.Platform.(bots.Uploader)
	if b.Files == nil || !ok {
		b.Skip("this platform takes no files")
	}
	to := b.asked()
	b.post(to, "KEY-2", "here it is")
	f := bots.Upload{Name: "session.md", Content: []byte("# All of it")}
	id, err := up.Upload(b.ctx, to, "KEY-3", f)
	if err != nil {
		b.Fatal(err)
	}
	if found, err := b.Platform.Find(b.ctx, to, "KEY-3"); err != nil || found != id {
		b.Errorf("found %q, %v; posted %q", found, err, id)
	}
	same := func(x, y bots.Upload) bool { return x.Name == y.Name && bytes.Equal(x.Content, y.Content) }
	if got := b.Files(to); !slices.EqualFunc(got, []bots.Upload{f}, same) {
		b.Errorf("there are the files %q", got)
	}
	if err := b.Platform.Delete(b.ctx, to, id); err != nil {
		b.Errorf("Delete: %v", err)
	}
	b.stands(to, "here it is")
}

func marks(b *bot) {
	marker, ok := b.Platform.(bots.Marker)
	if b.Marked == nil || !ok {
		b.Skip("this platform has no marks")
	}
	b.Mention("hello")
	ev := b.one()
	for _, waits := range []bool{false, true, true, false, false} {
		b.patiently(func() error { return marker.Mark(b.ctx, ev.Target, ev.MessageID, waits) })
		if b.Marked(ev.Target, ev.MessageID) != waits {
			b.Errorf("the mark does not stand as %v", waits)
		}
	}
}

func reading(b *bot) {
	reader, ok := b.Platform.(bots.Reader)
	if !ok {
		b.Skip("this platform cannot be read")
	}
	to := b.asked()
	b.post(to, "KEY-2", "hi")
	b.FollowUp(to, "and on")
	last := b.one()
	var texts []string
	quotes, err := reader.Read(b.ctx, to.Address, 10)
	for _, q := range quotes {
		texts = append(texts, strings.TrimPrefix(q.Text, "@bobbin ")) // whom it was said to may be shown
		if q.ID == "" || q.Sent.IsZero() || q.Bot != (q.Text == "hi") || q.Author.ID == "" {
			b.Errorf("read %+v", q)
		}
	}
	if err != nil || !slices.Equal(texts, []string{"hello", "hi", "and on"}) {
		b.Errorf("read %q, %v", texts, err)
	}
	quotes, err = reader.Read(b.ctx, to.Address, 1)
	if err != nil || len(quotes) != 1 || quotes[0].ID != last.MessageID {
		b.Errorf("the newest is %+v, %v", quotes, err)
	}
}
