package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestDemoInABrowser is a person who tries the demo: the page, the daemon and the services
// are those that “bobbin demo” starts.
func TestDemoInABrowser(t *testing.T) {
	p := openDemo(t)
	t.Run("an answer appears in Slack", func(t *testing.T) {
		p.types(t, "slack", "composer", "@bobbin what is 0.1 + 0.2?")
		p.shows(t, "slack", "thread-messages", "0.3")
		p.types(t, "slack", "thread-composer", "what did I say first?")
		p.shows(t, "slack", "thread-messages", "The first thing that I know of was")
		p.until(t, `document.querySelector('[data-testid=slack] [data-testid=thread] [data-testid=status]').hidden`)
	})
	t.Run("the slash command in Slack", func(t *testing.T) {
		p.types(t, "slack", "composer", "/bobbin help")
		p.shows(t, "slack", "message-text", "start this conversation afresh")
		p.types(t, "slack", "composer", "/bobbin ask what is 6 * 7?")
		p.until(t, `document.querySelectorAll('[data-testid=slack] [data-testid=messages] [data-testid=thread-open]').length === 2`)
		p.do(t, chromedp.Evaluate[chromedp.Void](`[...document.querySelectorAll('[data-testid=slack] [data-testid=messages] [data-testid=thread-open]')].at(-1).click()`))
		p.shows(t, "slack", "thread-messages", "42")
	})
	t.Run("an answer appears in Discord", func(t *testing.T) {
		p.types(t, "discord", "composer", "@bobbin show me Markdown")
		p.until(t, `document.querySelector('[data-testid=discord] [data-bot=true] strong')`)
	})
}

// demoPage is a browser that shows the demo.
type demoPage struct{ ctx context.Context }

// demoPatience is when a step in the browser is given up.
const demoPatience = time.Minute

func openDemo(t *testing.T) *demoPage {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("no browser: neither chromium, chromium-browser nor google-chrome is in PATH")
	}
	for _, name := range []string{"CLOUDFLARE_ACCOUNT_ID", "CLOUDFLARE_API_TOKEN", "OPENAI_URL"} {
		t.Setenv(name, "") // the stand-in answers
	}
	serving, stop := context.WithCancel(context.Background())
	out := &logs{}
	d, err := newDemo(demoCmd{Listen: "127.0.0.1:0"}, console{ctx: serving, stdout: out, stderr: out})
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + d.pages.listener.Addr().String()
	ended := make(chan error, 1)
	go func() { ended <- d.run(serving) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the demo ended with: %v", err)
		}
		if t.Failed() {
			t.Logf("the demo's log:\n%s", out)
		}
	})

	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path),
		chromedp.DisableGPU, chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	if os.Geteuid() == 0 { // Chromium's own sandbox refuses to work for root
		options = append(options, chromedp.NoSandbox)
	}
	ctx, end := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(end)
	ctx, end = chromedp.NewContext(ctx)
	t.Cleanup(end)
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1600, 900), chromedp.Navigate(url)); err != nil {
		t.Fatalf("open %s with %s: %v", url, path, err)
	}
	p := &demoPage{ctx}
	for _, pane := range []string{"slack", "discord"} {
		p.until(t, `document.querySelector('[data-testid=%s] [data-testid=user-select]').value`, pane)
	}
	return p
}

func (p *demoPage) do(t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, stop := context.WithTimeout(p.ctx, demoPatience)
	defer stop()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

// types writes a line and sends it.
func (p *demoPage) types(t *testing.T, pane, field, text string) {
	t.Helper()
	selector := fmt.Sprintf(`[data-testid=%q] [data-testid=%q]`, pane, field)
	// A space closes the list of suggestions, which would take the Enter.
	p.do(t, chromedp.WaitVisible(selector), chromedp.SendKeys(selector, text+" "+kb.Enter))
	p.until(t, `document.querySelector('[data-testid=%s] [data-testid=%s]').value === ''`, pane, field)
}

// shows waits until an element of a pane has a text in it.
func (p *demoPage) shows(t *testing.T, pane, testid, text string) {
	t.Helper()
	p.until(t, `[...document.querySelectorAll('[data-testid=%s] [data-testid=%s]')].some(n => !n.hidden && n.textContent.includes(%q))`, pane, testid, text)
}

// until waits until a condition in JavaScript holds.
func (p *demoPage) until(t *testing.T, condition string, args ...any) {
	t.Helper()
	condition = fmt.Sprintf(condition, args...)
	js := `new Promise(done => { const look = () => (` + condition + `) ? done(true) : requestAnimationFrame(look); look(); })`
	ctx, stop := context.WithTimeout(p.ctx, demoPatience)
	defer stop()
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](js, chromedp.EvalAwaitPromise)); err != nil {
		last, stop := context.WithTimeout(p.ctx, 5*time.Second)
		defer stop()
		text, _ := chromedp.Run(last, chromedp.Evaluate[string](`document.body.innerText`))
		t.Fatalf("waiting for %s: %v; the page reads:\n%s", condition, err, text)
	}
}
