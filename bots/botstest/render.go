package botstest

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"bobbin/agent"
	"bobbin/bots"

	"pgregory.net/rapid"
)

// pieces are what Markdown is made of here, with what is awkward about it.
var pieces = rapid.SampledFrom([]string{
	"word ", "**bold** ", "_it_", "`code` ", "\n", "\n\n", "```go\n", "```\n", "- item\n", "1. item\n", "> quote\n", "| a | b |\n|---|---|\n| 1 | 2 |\n",
	"# title\n", "[link](https://example.com/a?b=c&d) ", "<@U123> <!channel> @everyone ", "https://example.com/x ", "é", "😀", "👩‍👩‍👧", "\u0301", "\t", "\\*", "***", "~~",
	"<b>html</b>", "\r\n", "\x00", "\xff", "&amp; < > &", strings.Repeat("long ", 300), strings.Repeat("x", 2100), strings.Repeat("line\n", 100),
})

func markdown(t *rapid.T) string {
	return strings.Join(rapid.SliceOfN(pieces, 0, 15).Draw(t, "markdown"), "")
}

// property checks prop. rapid asks a *testing.T for its deadline, which no bubble has, so
// the T is hidden from it.
func (b *bot) property(prop func(*rapid.T)) {
	b.Helper()
	rapid.Check(struct{ rapid.TB }{b.T}, prop)
}

func rendered(b *bot) {
	b.property(func(t *rapid.T) {
		md := markdown(t)
		var whole strings.Builder
		for i, m := range b.Platform.Render(md) {
			if strings.TrimSpace(m.Text) == "" {
				t.Errorf("message %d shows nothing", i)
			}
			whole.WriteString(m.Source)
		}
		if whole.String() != md && strings.TrimSpace(md) != "" {
			t.Errorf("the sources of the messages are %q, and the Markdown is %q", whole.String(), md)
		}
	})
}

func grown(b *bot) {
	b.property(func(t *rapid.T) {
		before := markdown(t)
		after := before + markdown(t)
		old, now := b.Platform.Render(before), b.Platform.Render(after)
		if len(now) < len(old) {
			t.Fatalf("%d messages became %d", len(old), len(now))
		}
		for i := range max(0, len(old)-1) {
			if !old[i].Same(now[i]) {
				t.Errorf("message %d of %d was %+v and became %+v", i+1, len(old), old[i], now[i])
			}
		}
	})
}

func blank(b *bot) {
	for _, md := range []string{"", " ", "\n\n", "\t \r\n"} {
		if got := b.Platform.Render(md); len(got) != 0 {
			b.Errorf("%q is %+v", md, got)
		}
	}
}

// renderedPosts has the service judge over what was rendered.
func renderedPosts(b *bot) {
	to := b.asked()
	var md strings.Builder
	for i := range 20 {
		fmt.Fprintf(&md, "## Part %d\n\nSome *prose* with `code`, <@U123>, & more 😀.\n\n```go\n%s```\n\n", i, strings.Repeat("x := \"<>&\"\n", 60))
	}
	pages := b.Platform.Render(md.String())
	if len(pages) < 2 {
		b.Fatalf("%d messages", len(pages))
	}
	for i, m := range append([]bots.Message{b.page("short")}, pages...) {
		var id agent.MessageID
		b.patiently(func() (err error) {
			id, err = b.Platform.Post(b.ctx, to, fmt.Sprint("KEY-", i), m)
			return err
		})
		b.patiently(func() error { return b.Platform.Edit(b.ctx, to, id, m) })
	}
	if got := b.Texts(to); len(got) != len(pages)+1 {
		b.Errorf("%d messages stand, want %d", len(got), len(pages)+1)
	}
}

// patiently makes a call as often as the platform asks to wait.
func (b *bot) patiently(call func() error) {
	b.Helper()
	for {
		err := call()
		late, ok := errors.AsType[*bots.RetryAfterError](err)
		if !ok {
			if err != nil {
				b.Fatal(err)
			}
			return
		}
		time.Sleep(late.After)
	}
}
