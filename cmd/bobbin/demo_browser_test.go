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
		p.tap(t, "slack", `[data-testid=messages] article:last-of-type [data-testid=thread-open]`)
		p.shows(t, "slack", "thread-messages", "42")
		p.types(t, "slack", "thread-composer", "!usage")
		p.shows(t, "slack", "thread-messages", "This conversation: 1 answer")
		p.do(t, chromedp.SendKeys(pane("slack", "composer"), "/bobbin mo"))
		p.shows(t, "slack", "suggestion", "/bobbin model")
		p.do(t, chromedp.SendKeys(pane("slack", "composer"), kb.Enter+kb.Enter))
		p.shows(t, "slack", "message-text", "To choose, write")
	})
	t.Run("an answer appears in Discord", func(t *testing.T) {
		p.types(t, "discord", "composer", "@bobbin show me Markdown")
		p.until(t, `document.querySelector('[data-testid=discord] [data-bot=true] strong')`)
		p.shows(t, "discord", "component", "👍") // it is complete
	})
	t.Run("slash commands in Discord", func(t *testing.T) {
		p.types(t, "discord", "composer", "/usage")
		p.shows(t, "discord", "message-text", "This conversation: 1 answer")
		p.tap(t, "discord", `[data-testid=channel][data-name=random]`)
		p.types(t, "discord", "composer", "/ask what is 6 * 7?")
		p.shows(t, "discord", "thread-chip", "what is 6 * 7?")
		p.tap(t, "discord", `[data-testid=thread-chip]`)
		p.shows(t, "discord", "message-text", "42")
	})
	for _, c := range []struct{ pane, button, place string }{
		{"slack", `[data-testid=element]`, `[data-testid=thread-messages] `},
		{"discord", `[data-testid=component]`, ``},
	} {
		t.Run("buttons in "+c.pane, func(t *testing.T) {
			p.begin(t, c.pane, "@bobbin explain how a hash map works, with code")
			answer := c.place + `[data-bot=true]`
			label := func(words string) string {
				return fmt.Sprintf(`[...document.querySelectorAll('[data-testid=%s] %s %s')].find(b => b.textContent === %q && !b.disabled)`, c.pane, answer, c.button, words)
			}
			press := func(words string) { p.until(t, `(b => b && (b.click(), true))(%s)`, label(words)) }
			press("Stop")
			p.shows(t, c.pane, "message-text", "Stopped.")
			press("Try again")
			p.until(t, label("Stop"))
			p.until(t, label("👍")) // it is complete
			press("👍")
			p.shows(t, c.pane, "message-text", "my admin sees how many answers were good")
		})
		t.Run("an edit and a deletion in "+c.pane, func(t *testing.T) {
			p.begin(t, c.pane, "@bobbin what is 1 + 1?")
			p.shows(t, c.pane, "message-text", "1 + 1 = 2")
			if c.pane == "discord" { // the question stands in the channel
				p.tap(t, "discord", `[data-testid=channel][data-name=general]`)
			}
			last := `[data-testid=messages] article[data-user=` + map[string]string{"slack": "Ada", "discord": "ada"}[c.pane] + `]:last-of-type `
			p.menu(t, c.pane, last, "Edit message", "edit")
			p.do(t, chromedp.SendKeys(pane(c.pane, "edit-box"), " and 2 + 2?"+kb.Enter))
			if c.pane == "discord" {
				p.tap(t, "discord", last+`[data-testid=thread-chip]`)
			}
			p.shows(t, c.pane, "message-text", "2 + 2 = 4")
			if c.pane == "discord" {
				p.tap(t, "discord", `[data-testid=channel][data-name=general]`)
			}
			p.menu(t, c.pane, last, "Delete message", "delete")
			p.until(t, `![...document.querySelectorAll('[data-testid=%s] [data-testid=message-text]')].some(n => n.offsetParent && n.textContent.includes("2 + 2"))`, c.pane)
		})
		t.Run("a file in "+c.pane, func(t *testing.T) {
			p.home(t, c.pane)
			p.until(t, `(files => {
				const data = new DataTransfer();
				data.items.add(new File(["The parcel is in locker 17."], "note.txt", {type: "text/plain"}));
				data.items.add(new File([new Uint8Array([80, 75, 0, 0])], "tool.zip", {type: "application/zip"}));
				files.files = data.files;
				files.dispatchEvent(new Event("change"));
				return true;
			})(document.querySelector('[data-testid=%s] [data-testid=files]'))`, c.pane)
			p.begin(t, c.pane, "@bobbin where is the parcel?")
			p.shows(t, c.pane, "message-text", "I left out “tool.zip”")
		})
		t.Run("a picture in "+c.pane, func(t *testing.T) {
			p.begin(t, c.pane, "@bobbin draw a red fox")
			p.shows(t, c.pane, "message-text", "Here is a picture of a red fox")
			p.until(t, `document.querySelector('[data-testid=%s] %s[data-bot=true] .file-image img')?.naturalWidth > 0`, c.pane, c.place)
		})
		t.Run("the menu of a message in "+c.pane, func(t *testing.T) {
			p.home(t, c.pane)
			p.types(t, c.pane, "composer", "the moon is made of cheese")
			p.shows(t, c.pane, "message-text", "made of cheese")
			p.menu(t, c.pane, `[data-testid=messages] article:last-of-type `, "Ask bobbin about this", "apps")
			p.do(t, chromedp.SendKeys(map[string]string{"slack": `dialog [data-action]`, "discord": `[data-testid=modal-field]`}[c.pane], "is that so?"))
			p.tap(t, c.pane, `[data-testid=modal-submit]`)
			p.shows(t, c.pane, "message-text", "is that so?")
			p.until(t, `!document.querySelector('[data-testid=modal]')`)
		})
	}
	t.Run("the home in Slack", func(t *testing.T) {
		p.tap(t, "slack", `[data-testid=dm]`)
		p.until(t, `document.querySelector('%s').offsetParent`, `[data-testid=slack] [data-testid=tab-home]`)
		p.tap(t, "slack", `[data-testid=tab-home]`)
		p.shows(t, "slack", "home", "What you can do")
		p.tap(t, "slack", `[data-testid=tab-messages]`)
		p.shows(t, "slack", "suggested-prompt", "What can you do?")
		p.shows(t, "slack", "message-text", "Hello, I am bobbin")
	})
}

// pane is the selector of an element in a pane.
func pane(name, testid string) string {
	return fmt.Sprintf(`[data-testid=%q] [data-testid=%q]`, name, testid)
}

// home goes to a pane's first channel, without a thread.
func (p *demoPage) home(t *testing.T, pane string) {
	t.Helper()
	p.tap(t, pane, `[data-testid=channel][data-name=general]`)
	p.until(t, `document.querySelector('[data-testid=%s] [data-testid=composer]').placeholder === 'Message #general'`, pane)
}

// begin asks something in a pane's first channel, and goes where the answer is.
func (p *demoPage) begin(t *testing.T, pane, question string) {
	t.Helper()
	p.home(t, pane)
	p.types(t, pane, "composer", question)
	if pane == "slack" {
		p.until(t, `!document.querySelector('[data-testid=slack] [data-testid=thread]').hidden`)
		return
	}
	p.until(t, `document.querySelector('[data-testid=discord] [data-testid=composer]').placeholder.startsWith('Message "')`)
}

// menu does something with a message.
func (p *demoPage) menu(t *testing.T, pane, message, words, button string) {
	t.Helper()
	if pane == "slack" {
		button = "message-menu"
	}
	p.tap(t, pane, message+`[data-testid=`+button+`]`)
	if pane == "discord" && button != "apps" {
		return
	}
	p.until(t, `(b => b && (b.click(), true))([...document.querySelectorAll('[data-testid=%s] [data-testid=popup-item]')].find(b => b.textContent.startsWith(%q)))`, pane, words)
}

// tap clicks an element of a pane once it is there and enabled, also one that may be drawn
// anew at any time.
func (p *demoPage) tap(t *testing.T, pane, selector string) {
	t.Helper()
	p.until(t, `(n => n && !n.disabled && (n.click(), true))(document.querySelector(%q))`, `[data-testid=`+pane+`] `+selector)
}

// demoPage is a browser that shows the demo. After a step that failed there are no others:
// each would wait for as long.
type demoPage struct {
	ctx    context.Context
	failed bool
}

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
	p := &demoPage{ctx: ctx}
	for _, pane := range []string{"slack", "discord"} {
		p.until(t, `document.querySelector('[data-testid=%s] [data-testid=user-select]').value`, pane)
	}
	return p
}

func (p *demoPage) do(t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	p.goesOn(t)
	ctx, stop := context.WithTimeout(p.ctx, demoPatience)
	defer stop()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.failed = true
		t.Fatal(err)
	}
}

// goesOn fails the test if an earlier one has.
func (p *demoPage) goesOn(t *testing.T) {
	t.Helper()
	if p.failed {
		t.Fatal("an earlier step has failed")
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
	p.goesOn(t)
	condition = fmt.Sprintf(condition, args...)
	// A browser that nobody looks at may draw no frames, so they are not what is waited for.
	js := `new Promise(done => { const look = () => (` + condition + `) ? done(true) : setTimeout(look, 20); look(); })`
	ctx, stop := context.WithTimeout(p.ctx, demoPatience)
	defer stop()
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](js, chromedp.EvalAwaitPromise)); err != nil {
		p.failed = true
		last, stop := context.WithTimeout(p.ctx, 5*time.Second)
		defer stop()
		text, _ := chromedp.Run(last, chromedp.Evaluate[string](`document.body.innerText`))
		t.Fatalf("waiting for %s: %v; the page reads:\n%s", condition, err, text)
	}
}
