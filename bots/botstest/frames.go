package botstest

import (
	"fmt"
	"strings"

	"bobbin/bots"
)

// shows checks that bobbin's only message at an answer holds some things in their order,
// and others not.
func (b *bot) shows(texts []string, want []string, gone ...string) {
	b.Helper()
	if len(texts) != 1 {
		b.Fatalf("there stands %q, want one message", texts)
	}
	rest := texts[0]
	for _, w := range want {
		_, after, found := strings.Cut(rest, w)
		if !found {
			b.Errorf("there stands %q, want %q in this order", texts[0], want)
			return
		}
		rest = after
	}
	for _, g := range gone {
		if strings.Contains(texts[0], g) {
			b.Errorf("there stands %q, still with %q", texts[0], g)
		}
	}
}

func framed(b *bot) {
	if b.Shown == nil {
		b.Skip("this platform has no frames")
	}
	to := b.asked()
	id, err := b.Platform.Post(b.ctx, to, "KEY-2", bots.Message{Head: "reading"})
	if err != nil {
		b.Fatal(err)
	}
	b.shows(b.Shown(to), []string{"reading"})
	for _, step := range []struct {
		m          bots.Message
		want, gone []string
	}{
		{bots.Message{Text: "answer", Plain: "answer", Head: "writing"}, []string{"writing", "answer"}, []string{"reading"}},
		{bots.Message{Text: "answer", Plain: "answer", Foot: "seconds"}, []string{"answer", "seconds"}, []string{"writing"}},
		{bots.Message{Text: "other", Plain: "other", Head: "above", Foot: "below"}, []string{"above", "other", "below"}, []string{"answer", "seconds"}},
		{bots.Message{Text: "alone", Plain: "alone"}, []string{"alone"}, []string{"above", "below"}},
	} {
		b.patiently(func() error { return b.Platform.Edit(b.ctx, to, id, step.m) })
		b.shows(b.Shown(to), step.want, step.gone...)
	}
	if found, err := b.Platform.Find(b.ctx, to, "KEY-2"); err != nil || found != id {
		b.Errorf("found %q, %v; posted %q", found, err, id)
	}
}

// framedPlainly has the service judge over the longest frames there are.
func framedPlainly(b *bot) {
	if b.Shown == nil {
		b.Skip("this platform has no frames")
	}
	to := b.asked()
	pages := b.Platform.Render(strings.Repeat("All work *and* no play & more 😀.\n", 400))
	for i, piece := range []string{"*_~`|<>&[](#\\", "@everyone <!channel> <@U123> ", "😀", "https://example.com/ ", "\xff\n- 1. x"} {
		m := pages[0]
		m.Head = string([]rune(strings.Repeat(piece, bots.MaxFrame))[:bots.MaxFrame])
		m.Foot = m.Head
		b.patiently(func() error {
			_, err := b.Platform.Post(b.ctx, to, fmt.Sprint("KEY-", i), m)
			return err
		})
	}
}
