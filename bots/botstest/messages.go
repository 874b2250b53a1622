package botstest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"bobbin/agent"
	"bobbin/bots"
)

// page returns the only message of a short Markdown.
func (b *bot) page(markdown string) bots.Message {
	b.Helper()
	pages := b.Platform.Render(markdown)
	if len(pages) != 1 {
		b.Fatalf("%q is %d messages", markdown, len(pages))
	}
	return pages[0]
}

func (b *bot) post(to agent.Target, key, markdown string) agent.MessageID {
	b.Helper()
	id, err := b.Platform.Post(b.ctx, to, key, b.page(markdown))
	if err != nil || id == "" {
		b.Fatalf("Post: %q, %v", id, err)
	}
	return id
}

// stands checks what bobbin's messages show.
func (b *bot) stands(to agent.Target, want ...string) {
	b.Helper()
	if got := b.Texts(to); !slices.Equal(got, want) {
		b.Errorf("there stands %q, want %q", got, want)
	}
}

func roundTrip(b *bot) {
	for name, ask := range map[string]func(string){"mention": b.Mention, "direct": b.Direct} {
		ask("hello")
		to := b.one().Target
		key := "KEY-" + strings.ToUpper(name[:1]) + "-2345"
		id := b.post(to, key, "first")
		b.stands(to, "first")
		if found, err := b.Platform.Find(b.ctx, to, key); err != nil || found != id {
			b.Errorf("%s: found %q, %v; posted %q", name, found, err, id)
		}
		if err := b.Platform.Edit(b.ctx, to, id, b.page("second")); err != nil {
			b.Errorf("%s: Edit: %v", name, err)
		}
		b.stands(to, "second")
		if found, err := b.Platform.Find(b.ctx, to, key); err != nil || found != id {
			b.Errorf("%s: after an edit: found %q, %v; posted %q", name, found, err, id)
		}
		if err := b.Platform.Delete(b.ctx, to, id); err != nil {
			b.Errorf("%s: Delete: %v", name, err)
		}
		b.stands(to)
	}
}

func inOrder(b *bot) {
	to := b.asked()
	var want []string
	for i := range 3 {
		want = append(want, fmt.Sprint("page ", i))
		b.post(to, fmt.Sprint("KEY-", i+2), want[i])
	}
	b.stands(to, want...)
}

// uncertain posts and loses the answer.
func (b *bot) uncertain(to agent.Target, key, markdown string, happens bool) {
	b.Helper()
	b.LosePost(happens)
	_, err := b.Platform.Post(b.ctx, to, key, b.page(markdown))
	_, late := errors.AsType[*bots.RetryAfterError](err)
	if err == nil || late || errors.Is(err, agent.ErrUndeliverable) {
		b.Fatalf("the error of a lost post is %v", err)
	}
}

// lostPost does what a reply does: what is not found is posted again with its key.
func lostPost(b *bot) {
	to := b.asked()
	b.uncertain(to, "KEY-2", "once", true)
	id, err := b.Platform.Find(b.ctx, to, "KEY-2")
	if errors.Is(err, bots.ErrNotFound) {
		id, err = b.Platform.Post(b.ctx, to, "KEY-2", b.page("once"))
	}
	if err != nil {
		b.Fatal(err)
	}
	b.stands(to, "once")
	if err := b.Platform.Edit(b.ctx, to, id, b.page("edited")); err != nil {
		b.Errorf("Edit of what was found: %v", err)
	}
	b.stands(to, "edited")
}

func lostRequest(b *bot) {
	to := b.asked()
	b.uncertain(to, "KEY-2", "once", false)
	if id, err := b.Platform.Find(b.ctx, to, "KEY-2"); !errors.Is(err, bots.ErrNotFound) {
		b.Fatalf("found %q, %v", id, err)
	}
	id := b.post(to, "KEY-2", "once")
	if found, err := b.Platform.Find(b.ctx, to, "KEY-2"); err != nil || found != id {
		b.Errorf("found %q, %v; posted %q", found, err, id)
	}
	b.stands(to, "once")
}

func neverPosted(b *bot) {
	to := b.asked()
	b.post(to, "KEY-2", "something else")
	for _, key := range []string{"KEY-3", "KEY", "KEY-22"} {
		if id, err := b.Platform.Find(b.ctx, to, key); !errors.Is(err, bots.ErrNotFound) {
			b.Errorf("%s: found %q, %v", key, id, err)
		}
	}
}

func removed(b *bot) {
	to := b.asked()
	id := b.post(to, "KEY-2", "first")
	b.Remove(id)
	if err := b.Platform.Edit(b.ctx, to, id, b.page("second")); !errors.Is(err, bots.ErrGone) || errors.Is(err, agent.ErrUndeliverable) {
		b.Errorf("Edit: %v", err)
	}
	b.post(to, "KEY-3", "instead")
	b.stands(to, "instead")
}

func deletedTwice(b *bot) {
	to := b.asked()
	id := b.post(to, "KEY-2", "first")
	for range 2 {
		if err := b.Platform.Delete(b.ctx, to, id); err != nil {
			b.Errorf("Delete: %v", err)
		}
	}
}

func ended(b *bot) {
	to := b.asked()
	id := b.post(to, "KEY-2", "first")
	ctx, cancel := context.WithCancel(b.ctx)
	cancel()
	_, errPost := b.Platform.Post(ctx, to, "KEY-3", b.page("x"))
	errEdit := b.Platform.Edit(ctx, to, id, b.page("x"))
	errDelete := b.Platform.Delete(ctx, to, id)
	for what, err := range map[string]error{"Post": errPost, "Edit": errEdit, "Delete": errDelete} {
		if !errors.Is(err, context.Canceled) || errors.Is(err, agent.ErrUndeliverable) || errors.Is(err, bots.ErrGone) {
			b.Errorf("%s: %v", what, err)
		}
	}
	b.stands(to, "first")
}

func budget(b *bot) {
	to := b.asked()
	for what, r := range map[string]bots.Rate{"post": b.Platform.Budget(to).Post, "edit": b.Platform.Budget(to).Edit} {
		if r.Scope == "" || r.Every <= 0 || r.Burst < 1 {
			b.Errorf("%s: %+v", what, r)
		}
	}
	if got, again := b.Platform.Budget(to), b.Platform.Budget(to); got != again || got.Post.Scope == got.Edit.Scope {
		b.Errorf("budgets are %+v and %+v", got, again)
	}
}

func named(b *bot) {
	if name := b.Platform.Name(); name == "" || name != b.asked().Platform {
		b.Errorf("the name is %q", name)
	}
}
