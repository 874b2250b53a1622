package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// pageTestBrowser starts a browser without a window, which lives as long as the test,
// or skips the test where none is installed.
func pageTestBrowser(t *testing.T) context.Context {
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
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path),
		chromedp.DisableGPU, chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	if os.Geteuid() == 0 { // Chromium's own sandbox refuses to work for root
		options = append(options, chromedp.NoSandbox)
	}
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return ctx
}

// pageTestPatience is when a step in the browser is given up.
const pageTestPatience = 30 * time.Second

// pageTab is one person's browser, with nothing kept from another's.
type pageTab struct {
	t   *testing.T
	ctx context.Context
}

func openPageTab(t *testing.T, browser context.Context, url string) *pageTab {
	t.Helper()
	ctx, stop := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(stop)
	p := &pageTab{t, ctx}
	if err := chromedp.Do(ctx); err != nil { // the tab lives as long as the context that opened it
		t.Fatal(err)
	}
	p.do(chromedp.EmulateViewport(1600, 900))
	err := chromedp.Listen(ctx, func(e any) {
		if e, ok := e.(*runtime.EventExceptionThrown); ok {
			data, _ := json.Marshal(e.ExceptionDetails)
			t.Errorf("the page's code failed: %s", data)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	p.do(chromedp.Navigate(url))
	// Both panes have drawn what the server holds: before, nothing has a place to go to.
	p.until(`document.querySelector('%s').placeholder && document.querySelector('%s').placeholder`, pageSel("slack", "composer"), pageSel("discord", "composer"))
	return p
}

func (p *pageTab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, stop := context.WithTimeout(p.ctx, pageTestPatience)
	defer stop()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

// until waits until a condition in JavaScript holds.
func (p *pageTab) until(condition string, args ...any) {
	p.t.Helper()
	condition = fmt.Sprintf(condition, args...)
	// A browser that nobody looks at may draw no frames, so they are not what is waited for.
	js := `new Promise(done => { const look = () => (` + condition + `) ? done(true) : setTimeout(look, 20); look(); })`
	wait, stop := context.WithTimeout(p.ctx, pageTestPatience)
	defer stop()
	if _, err := chromedp.Run(wait, chromedp.Evaluate[bool](js, chromedp.EvalAwaitPromise)); err != nil {
		ctx, stop := context.WithTimeout(p.ctx, 5*time.Second)
		defer stop()
		text, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.innerText`))
		p.t.Fatalf("waiting for %s: %v; the page reads:\n%s", condition, err, text)
	}
}

func (p *pageTab) eval(js string) string {
	p.t.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](js, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%s: %v", js, err)
	}
	return v
}

// shows waits until a pane's element has a text in it.
func (p *pageTab) shows(pane, testid, text string) {
	p.t.Helper()
	p.until(`[...document.querySelectorAll('[data-testid=%s] [data-testid=%s]')].some(n => !n.hidden && n.textContent.includes(%q))`, pane, testid, text)
}

// tap clicks an element once it is there and enabled, also one that may be drawn anew at any time,
// between a mouse's going down and its going up.
func (p *pageTab) tap(selector string) {
	p.t.Helper()
	p.until(`(n => n && !n.disabled && (n.click(), true))(document.querySelector(%q))`, selector)
}

func pageSel(pane, testid string) string {
	return fmt.Sprintf(`[data-testid=%q] [data-testid=%q]`, pane, testid)
}

func TestPageInABrowser(t *testing.T) {
	browser := pageTestBrowser(t)
	for name, f := range map[string]func(*testing.T, context.Context){
		"a thread in Slack":                        pageTestSlackThread,
		"an answer overtakes the question":         pageTestFastAnswer,
		"a person types fast":                      pageTestFastTyping,
		"a reply, a command, a thread in Discord":  pageTestDiscord,
		"what is hostile stays text":               pageTestHostile,
		"Markdown becomes elements":                pageTestMarkdown,
		"an example is asked":                      pageTestExample,
		"a message for one is not shown to others": pageTestOnlyFor,
		"the page outlives the demo":               pageTestRestart,
		"the address remembers the place":          pageTestAddress,
		"on a phone a hidden pane keeps its shape": pageTestNarrow,
	} {
		t.Run(name, func(t *testing.T) { f(t, browser) })
	}
}

func pageTestSlackThread(t *testing.T, browser context.Context) {
	r := newPageTestRig(t)
	w := r.slack.World()
	p := openPageTab(t, browser, r.url)
	p.until(`document.querySelector('[data-testid=slack] [data-testid=user-select]').value === 'U0ADA'`)
	p.do(
		chromedp.Focus(pageSel("slack", "user-select")),
		chromedp.SendKeys(pageSel("slack", "user-select"), "Grace"),
	)
	p.until(`document.querySelector('[data-testid=slack] [data-testid=user-select]').value === 'U0GRACE'`)
	p.do(
		chromedp.SendKeys(pageSel("slack", "composer"), "@bob"),
		chromedp.WaitVisible(pageSel("slack", "suggestion")),
		chromedp.SendKeys(pageSel("slack", "composer"), kb.Enter+"what is"),
		chromedp.SendKeys(pageSel("slack", "composer"), " 1 < 2?"+kb.Enter),
	)
	p.shows("slack", "message-text", "@bobbin what is 1 < 2?")
	list := w.Messages(pageTestSlackChannel)
	if len(list) != 1 || list[0].User != "U0GRACE" || list[0].Text != "<@U0BOBBIN> what is 1 &lt; 2?" {
		t.Fatalf("Slack holds %+v", list)
	}
	root := list[0].ID
	w.ShowTyping(pageTestSlackChannel, root, "is looking up the time…")
	p.shows("slack", "thread", "what is 1 < 2?") // it opens by itself
	p.shows("slack", "status", "bobbin is looking up the time")
	answer := Message{Channel: pageTestSlackChannel, Thread: root, ID: root + "1", User: "U0BOBBIN", Text: "Tr", Blocks: `[{"type":"markdown","text":"Tr"}]`}
	w.Put(answer)
	p.shows("slack", "thread-messages", "Tr")
	p.until(`document.querySelector('[data-testid=slack] [data-testid=thread] [data-testid=status]').hidden`)
	answer.Blocks = `[{"type":"markdown","text":"True, **quite**."}]`
	w.Put(answer)
	p.until(`document.querySelector('[data-testid=thread-messages] [data-bot=true] strong')?.textContent === 'quite'`)
	p.shows("slack", "thread-open", "1 reply")
	if n := p.eval(`String(document.querySelectorAll('[data-testid=thread-messages] [data-bot=true]').length)`); n != "1" {
		t.Errorf("the edited answer stands there %s times", n)
	}
	p.do(chromedp.SendKeys(pageSel("slack", "thread-composer"), "thanks"+kb.Enter))
	p.shows("slack", "thread-open", "2 replies")
	w.Delete(pageTestSlackChannel, answer.ID)
	p.shows("slack", "thread-open", "1 reply")
	p.tap(pageSel("slack", "thread-close"))
	p.do(chromedp.WaitNotVisible(pageSel("slack", "thread")))
	p.do(chromedp.SendKeys(pageSel("slack", "composer"), "/nonsense"+kb.Enter))
	p.shows("slack", "error", "not a valid command")
}

// pageTestFastAnswer has the bot at work before the call that brought the question returns:
// the thread opens nevertheless.
func pageTestFastAnswer(t *testing.T, browser context.Context) {
	r := newPageTestRig(t)
	w := r.slack.World()
	p := openPageTab(t, browser, r.url)
	p.until(`document.querySelector('[data-testid=slack] [data-testid=user-select]').value === 'U0ADA'`)
	p.hold("slack/say")
	p.do(chromedp.SendKeys(pageSel("slack", "composer"), "quick one"+kb.Enter))
	p.shows("slack", "message-text", "quick one")
	w.ShowTyping(pageTestSlackChannel, w.Messages(pageTestSlackChannel)[0].ID, "is thinking…")
	p.until(`window.release && document.querySelector('[data-testid=slack] [data-testid=messages] .status')`)
	p.eval(`window.release(), ''`)
	p.shows("slack", "thread", "quick one")
	p.until(`document.querySelector('[data-testid=slack] [data-testid=composer]').value === ''`)
}

// hold keeps the answer to each call of a path until window.release() is called, which is
// there once the call has been made.
func (p *pageTab) hold(path string) {
	p.t.Helper()
	p.eval(fmt.Sprintf(`((real) => {
		window.fetch = async (...a) => {
			const answer = await real(...a);
			if (String(a[0]).endsWith(%q)) await new Promise((go) => (window.release = go));
			return answer;
		};
	})(window.fetch), ''`, path))
}

// pageTestFastTyping has a person who writes on while what they sent is under way: every
// message goes, in order, and nothing that they typed is lost.
func pageTestFastTyping(t *testing.T, browser context.Context) {
	r := newPageTestRig(t)
	for pane, list := range map[string]func() []Message{
		"slack":   func() []Message { return r.slack.World().Messages(pageTestSlackChannel) },
		"discord": func() []Message { return r.discord.World().Messages(pageTestDiscordChannel) },
	} {
		p := openPageTab(t, browser, r.url)
		composer := pageSel(pane, "composer")
		p.hold(pane + "/say")
		p.do(chromedp.SendKeys(composer, "one"+kb.Enter+"two"+kb.Enter+"thr"))
		p.shows(pane, "message-text", "one")
		p.until(`window.release && document.querySelector('%s').value === 'thr'`, composer)
		p.eval(`window.release(), window.release = null, ''`)
		p.shows(pane, "message-text", "two")
		p.until(`window.release`)
		p.eval(`window.release(), ''`)
		p.do(chromedp.SendKeys(composer, "ee"))
		p.until(`document.querySelector('%s').value === 'three'`, composer)
		if l := list(); len(l) != 2 || l[0].Text != "one" || l[1].Text != "two" {
			t.Errorf("%s holds %+v", pane, l)
		}
		p.eval(fmt.Sprintf(`document.querySelector('%s').value = '', ''`, composer))
		p.do(chromedp.SendKeys(composer, "/nonsense"+kb.Enter))
		p.shows(pane, "error", "/nonsense")
		p.until(`document.querySelector('%s').value === '/nonsense'`, composer)
	}
}

func pageTestDiscord(t *testing.T, browser context.Context) {
	r := newPageTestRig(t)
	r.discord.mu.Lock()
	r.discord.commands[""] = []*discordCommand{{id: "1", kind: 1, DiscordCommand: DiscordCommand{
		Name: "ask", Description: "Ask bobbin", Options: []DiscordCommandOption{{Type: 3, Name: "text", Required: true}},
	}}}
	r.discord.mu.Unlock()
	w := r.discord.World()
	p := openPageTab(t, browser, r.url)
	p.do(chromedp.SendKeys(pageSel("discord", "composer"), "@bobbin hello"+kb.Enter))
	p.shows("discord", "message-text", "@bobbin hello")
	question := w.Messages(pageTestDiscordChannel)[0]
	if question.User != pageTestAda || question.Text != "<@"+pageTestDiscordBot+"> hello" {
		t.Fatalf("Discord holds %+v", question)
	}
	w.ShowTyping(pageTestDiscordChannel, "", "")
	p.shows("discord", "status", "bobbin is typing")
	m := Message{Channel: pageTestDiscordChannel, ID: question.ID + "1", User: pageTestDiscordBot, ReplyTo: question.ID, Pending: true}
	w.Put(m)
	p.shows("discord", "pending", "bobbin is thinking")
	p.shows("discord", "reference", "@bobbin hello")
	p.until(`!document.querySelector('[data-testid=discord] [data-testid=status]').textContent`)
	m.Pending, m.Text = false, "Hello __you__"
	w.Put(m)
	p.until(`document.querySelector('[data-testid=discord] [data-bot=true] u')?.textContent === 'you'`)

	p.do(chromedp.SendKeys(pageSel("discord", "composer"), "/a"))
	p.shows("discord", "suggestion", "/ask")
	p.do(chromedp.SendKeys(pageSel("discord", "composer"), "sk"+kb.Enter))
	p.shows("discord", "error", "needs its text")

	p.eval(`document.querySelector('[data-testid=discord] [data-id="` + question.ID + `"] [data-testid=new-thread]').click(), ''`)
	// It opens, although words stand in the box of the channel, where they stay.
	p.until(`document.querySelector('%s').placeholder === 'Message "@bobbin hello"'`, pageSel("discord", "composer"))
	p.shows("discord", "channel-thread", "@bobbin hello")
	p.do(chromedp.SendKeys(pageSel("discord", "composer"), "in here"+kb.Enter))
	p.shows("discord", "message-text", "in here")
	if list := w.Messages(question.ID); len(list) != 1 || list[0].Text != "in here" {
		t.Errorf("the thread holds %+v", list)
	}
	p.tap(pageSel("discord", "channel"))
	p.shows("discord", "thread-chip", "1 message")
	p.until(`document.querySelector('%s').value === '/ask'`, pageSel("discord", "composer"))
}

// pageHostile is what must come out as the text it is, whatever reads it.
var pageHostile = []string{
	`<img src=x onerror="window.pwned=1">`,
	`<script>window.pwned=1</script>`,
	`[click](javascript:window.pwned=1)`,
	`<javascript:window.pwned=1|click>`,
	`![x](x" onerror="window.pwned=1)`,
	"```html\n<img src=x onerror=window.pwned=1>\n```",
	"| a |\n|---|\n| <img src=x onerror=window.pwned=1> |",
	`[<svg onload=window.pwned=1>](https://example.com/"onmouseover="window.pwned=1)`,
	`https://example.com/"><img src=x onerror=window.pwned=1>`,
	`[a](data:text/html,<script>window.pwned=1</script>) [b](vbscript:x) [c](//evil.example) <file:///etc/passwd>`,
	strings.Repeat(">", 3000) + " deep",
	strings.Repeat("[", 3000) + strings.Repeat("](x)", 200),
	strings.Repeat("**_", 1500) + "x" + strings.Repeat("_**", 1500),
	strings.Repeat("- ", 2000) + "x",
	strings.Repeat("||", 2001),
	"\x00\u202e\ud7ff `",
}

func pageTestHostile(t *testing.T, browser context.Context) {
	r := newPageTestRig(t)
	sw, dw := r.slack.World(), r.discord.World()
	sw.AddUser(User{ID: "U0EVIL", Name: `<img src=x onerror=window.pwned=1>`})
	sw.AddChannel(Channel{ID: "C0EVIL", Name: `"><script>window.pwned=1</script>`})
	for i, text := range pageHostile {
		id := fmt.Sprint(1000 + i)
		blocks, err := json.Marshal([]map[string]any{{"type": "markdown", "text": text}})
		if err != nil {
			t.Fatal(err)
		}
		sw.Put(Message{Channel: pageTestSlackChannel, ID: id, User: "U0EVIL", Text: text})
		sw.Put(Message{Channel: pageTestSlackChannel, ID: id + "b", User: "U0BOBBIN", Text: "x", Blocks: string(blocks)})
		dw.Put(Message{Channel: pageTestDiscordChannel, ID: id, User: pageTestDiscordBot, Text: text, ReplyTo: fmt.Sprint(999 + i)})
	}
	for i, blocks := range []string{`{`, `null`, `[null,1,{"type":"section"}]`, `[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"link","url":"javascript:window.pwned=1","text":"t"}]}]}]`, `[{"type":"markdown","text":{}}]`} {
		sw.Put(Message{Channel: pageTestSlackChannel, ID: fmt.Sprint(2000 + i), User: "U0BOBBIN", Text: "fallback", Blocks: blocks})
	}
	p := openPageTab(t, browser, r.url)
	last := fmt.Sprint(1000 + len(pageHostile) - 1)
	p.until(`document.querySelector('[data-testid=discord] [data-id="%s"]') && document.querySelector('[data-testid=slack] [data-id="2004"]')`, last)
	for what, js := range map[string]string{
		"scripts ran":    `String(window.pwned ?? 0)`,
		"foreign images": `String([...document.images].filter(i => !i.src.endsWith('/bobbin.svg')).length)`,
		"scripts":        `String(document.scripts.length - 1)`,
		"odd links":      `String([...document.links].filter(a => !/^(https?|mailto):/.test(a.href) || a.target !== '_blank' || !a.rel.includes('noopener')).length)`,
		"handlers":       `String([...document.querySelectorAll('.text *')].filter(n => n.getAttributeNames().some(a => a.startsWith('on'))).length)`,
	} {
		if n := p.eval(js); n != "0" {
			t.Errorf("%s: %s", what, n)
		}
	}
	p.shows("slack", "message-text", `<img src=x onerror="window.pwned=1">`)
	p.shows("discord", "message-text", `<script>window.pwned=1</script>`)
	if n := p.eval(`String(document.querySelectorAll('[data-testid=discord] [data-testid=message]').length)`); n != fmt.Sprint(len(pageHostile)) {
		t.Errorf("%s of %d messages are shown in Discord", n, len(pageHostile))
	}
}

func pageTestMarkdown(t *testing.T, browser context.Context) {
	r := newPageTestRig(t)
	p := openPageTab(t, browser, r.url)
	const link = ` target="_blank" rel="noopener noreferrer nofollow" title="https://a.b/">`
	for _, c := range []struct{ dialect, text, html string }{
		{"markdown", "a **b *c* d** ~~e~~", `<p>a <strong>b <em>c</em> d</strong> <s>e</s></p>`},
		{"markdown", "***both***", `<p><strong><em>both</em></strong></p>`},
		{"markdown", "snake_case_name and 2 * 3 * 4", `<p>snake_case_name and 2 * 3 * 4</p>`},
		{"markdown", "an **open", `<p>an **open</p>`},
		{"markdown", "`a*b*` ``c`d``", "<p><code>a*b*</code> <code>c`d</code></p>"},
		{"markdown", `\*not\*`, `<p>*not*</p>`},
		{"markdown", "1 &lt; 2 &amp;amp;", `<p>1 &lt; 2 &amp;amp;</p>`},
		{"markdown", "[x](https://a.b/)", `<p><a href="https://a.b/"` + link + `x</a></p>`},
		{"markdown", "see https://a.b/.", `<p>see <a href="https://a.b/"` + link + `https://a.b/</a>.</p>`},
		{"markdown", "[x](javascript:y)", `<p><span>x</span></p>`},
		{"markdown", "<@U0ADA>", `<p><span class="mention">@Ada</span></p>`},
		{"markdown", "a\nb\n\nc", `<p>a<br>b</p><p>c</p>`},
		{"markdown", "> q\n> r", `<blockquote><p>q<br>r</p></blockquote>`},
		{"markdown", "- a\n  - b\n- c", `<ul><li><p>a</p><ul><li><p>b</p></li></ul></li><li><p>c</p></li></ul>`},
		{"markdown", "3. a\n4. b", `<ol start="3"><li><p>a</p></li><li><p>b</p></li></ol>`},
		{"markdown", "a\n***\nb", `<p>a</p><hr><p>b</p>`},
		{"mrkdwn", "*b* _i_ ~s~ **x**", `<p><strong>b</strong> <em>i</em> <s>s</s> **x**</p>`},
		{"mrkdwn", "<https://a.b/|x> &lt;&amp;", `<p><a href="https://a.b/"` + link + `x</a> &lt;&amp;</p>`},
		{"mrkdwn", "&gt; q\n# no", `<blockquote><p>q</p></blockquote><p># no</p>`},
		{"mrkdwn", "<!here> <#C0GENERAL>", `<p><span class="mention loud">@here</span> <span class="mention">#general</span></p>`},
		{"discord", "__u__ **b** _i_ ~~s~~", `<p><u>u</u> <strong>b</strong> <em>i</em> <s>s</s></p>`},
		{"discord", "-# small\n#### no", `<p class="subtext">small</p><p>#### no</p>`},
		{"discord", ">>> a\n\nb", `<blockquote><p>a</p><p>b</p></blockquote>`},
		{"discord", "&lt; ```open", "<p>&amp;lt; ```open</p>"},
	} {
		js := fmt.Sprintf(`Promise.all([import('/js/markdown.js')]).then(([m]) => m.render(%q, m.dialects.%s,
			{user: id => ({U0ADA: 'Ada'})[id], channel: id => ({C0GENERAL: 'general'})[id]}).innerHTML)`, c.text, c.dialect)
		if got := p.eval(js); got != c.html {
			t.Errorf("%s %q\n gave %s\n want %s", c.dialect, c.text, got, c.html)
		}
	}
	for text, selector := range map[string]string{
		"```go\nfunc f() {}\n```":           `.code .language`,
		"```\nstill open":                   `.code pre code`,
		"| a | b |\n|:-|-:|\n| 1 | `x|y` |": `table td.right code`,
		"- [x] done\n- [ ] open":            `.task.done .task-box`,
		"## Title ##":                       `[role=heading][aria-level="4"]`,
	} {
		js := fmt.Sprintf(`import('/js/markdown.js').then(m => String(m.render(%q, m.dialects.markdown, {}).querySelectorAll(%q).length))`, text, selector)
		if n := p.eval(js); n != "1" {
			t.Errorf("%q has %s of %s", text, n, selector)
		}
	}
}

func pageTestExample(t *testing.T, browser context.Context) {
	r := newPageTestRig(t)
	p := openPageTab(t, browser, r.url)
	p.shows("slack", "channel", "general")
	p.tap(`[data-testid=target-discord]`)
	p.tap(`[data-prompt=time]`)
	p.shows("discord", "message-text", "time is it in Tokyo")
	p.tap(pageSel("slack", "dm"))
	p.until(`document.querySelector('[data-testid=slack] .place').textContent.includes('bobbin')`)
	p.tap(`[data-testid=target-slack]`)
	p.tap(`[data-prompt=sum]`)
	p.shows("slack", "message-text", "0.1 + 0.2")
	dm := r.slack.World().Messages(r.slack.OpenDM("U0ADA"))
	if len(dm) != 1 || strings.Contains(dm[0].Text, "<@") {
		t.Errorf("the DM holds %+v", dm)
	}
	m := r.discord.World().Messages(pageTestDiscordChannel)
	if len(m) != 1 || !strings.HasPrefix(m[0].Text, "<@"+pageTestDiscordBot+"> ") {
		t.Errorf("the channel holds %+v", m)
	}
}

func pageTestOnlyFor(t *testing.T, browser context.Context) {
	r := newPageTestRig(t)
	r.slack.World().Put(Message{Channel: pageTestSlackChannel, ID: "1", User: "U0BOBBIN", OnlyFor: "U0ADA", Text: "for Ada"})
	r.slack.World().Put(Message{Channel: pageTestSlackChannel, ID: "2", User: "U0BOBBIN", OnlyFor: "U0GRACE", Text: "for Grace"})
	p := openPageTab(t, browser, r.url)
	p.shows("slack", "message", "Only visible to you")
	if text := p.eval(`document.querySelector('[data-testid=slack] [data-testid=messages]').textContent`); strings.Contains(text, "for Grace") || !strings.Contains(text, "for Ada") {
		t.Errorf("Ada sees %q", text)
	}
}

func pageTestRestart(t *testing.T, browser context.Context) {
	r := newPageTestRig(t)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serve := func(l net.Listener) (stop func()) {
		page := NewPage(r.page.o)
		s := &httptest.Server{Listener: l, Config: &http.Server{Handler: page.Handler(), ReadHeaderTimeout: time.Minute}}
		s.Start()
		return func() { page.Close(); s.CloseClientConnections(); s.Close() }
	}
	stop := serve(listener)
	p := openPageTab(t, browser, "http://"+listener.Addr().String())
	p.shows("slack", "channel", "general")
	stop()
	p.until(`!document.querySelector('[data-testid=banner]').hidden`)
	p.do(chromedp.SendKeys(pageSel("slack", "composer"), "kept"+kb.Enter))
	p.shows("slack", "error", "cannot be reached")

	r.slack.World().Put(Message{Channel: pageTestSlackChannel, ID: "1", User: "U0GRACE", Text: "meanwhile"})
	listener, err = new(net.ListenConfig).Listen(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(serve(listener))
	p.shows("slack", "message-text", "meanwhile")
	p.until(`document.querySelector('[data-testid=banner]').hidden`)
	p.do(chromedp.SendKeys(pageSel("slack", "composer"), kb.Enter))
	p.shows("slack", "message-text", "kept")
}

func pageTestAddress(t *testing.T, browser context.Context) {
	r := newPageTestRig(t)
	r.slack.World().Put(Message{Channel: "C0RANDOM", ID: "1", User: "U0GRACE", Text: "root"})
	p := openPageTab(t, browser, r.url+"/#view=slack&slack=C0RANDOM&thread=1&as=U0LINUS")
	p.shows("slack", "thread", "root")
	p.until(`document.querySelector('[data-testid=slack] [data-testid=user-select]').value === 'U0LINUS'`)
	p.until(`getComputedStyle(document.querySelector('[data-testid=discord]')).display === 'none'`)
	p.tap(`[data-testid=slack] [data-name=general]`)
	p.until(`location.hash.includes('slack=C0GENERAL') && !location.hash.includes('thread=')`)
	p.do(chromedp.Reload())
	p.until(`document.querySelector('[data-testid=slack] [data-name=general]')?.getAttribute('aria-current') === 'page'`)
}

func pageTestNarrow(t *testing.T, browser context.Context) {
	r := newPageTestRig(t)
	p := openPageTab(t, browser, r.url)
	p.do(chromedp.EmulateViewport(390, 844), chromedp.Reload())
	p.until(`document.body.dataset.view === "slack" && document.querySelector('%s')?.placeholder`, pageSel("slack", "composer"))
	p.tap(`[data-testid=view-discord]`)
	p.until(`document.querySelector('%s').offsetHeight >= 40`, pageSel("discord", "composer"))
	p.until(`document.documentElement.scrollWidth <= 390`)
}
