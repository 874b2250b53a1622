package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

// pageSlackApp is an app that is connected to the page's Slack and acks everything.
type pageSlackApp struct {
	t   *testing.T
	api *slack.Client
	did chan slack.InteractionCallback
}

// pageSlackConnect starts the app; answer says what the acks of what people do hold.
func pageSlackConnect(t *testing.T, r *pageTestRig, answer func(slack.InteractionCallback) any) *pageSlackApp {
	t.Helper()
	s := httptest.NewServer(r.slack.Handler())
	t.Cleanup(func() { r.slack.Close(); s.Close() })
	o := r.slack.Options()
	a := &pageSlackApp{t: t, did: make(chan slack.InteractionCallback, 100)}
	a.api = slack.New(o.BotToken, slack.OptionAppLevelToken(o.AppToken), slack.OptionAPIURL(s.URL+"/api/"))
	client := socketmode.New(a.api)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = client.RunContext(ctx) }) // ends with ctx
	hello := make(chan struct{}, 100)
	wg.Go(func() {
		for {
			select {
			case e := <-client.Events:
				var payload any
				i, acted := e.Data.(slack.InteractionCallback)
				if acted && answer != nil {
					payload = answer(i)
				}
				if e.Request != nil {
					_ = client.AckCtx(ctx, e.Request.EnvelopeID, payload) // fails only when the test is over
				}
				if acted {
					a.did <- i
				}
				if e.Type == socketmode.EventTypeHello {
					hello <- struct{}{}
				}
			case <-ctx.Done():
				return
			}
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
	select {
	case <-hello:
	case <-ctx.Done():
		t.Fatal("no hello")
	}
	return a
}

// next returns the next thing that a person did.
func (a *pageSlackApp) next() slack.InteractionCallback {
	a.t.Helper()
	select {
	case i := <-a.did:
		return i
	case <-time.After(pageTestPatience):
		a.t.Fatal("nobody did anything")
		panic("unreachable")
	}
}

func pageSlackPlain(text string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, text, false, false)
}

func TestSlackPaneInABrowser(t *testing.T) {
	browser := pageTestBrowser(t)
	for name, f := range map[string]func(*testing.T, context.Context){
		"a stream with tasks, and Stop":         pageTestSlackStream,
		"buttons, a menu and feedback":          pageTestSlackElements,
		"a shortcut opens a form":               pageTestSlackModal,
		"the home, and what is suggested":       pageTestSlackApp,
		"the older assistant":                   pageTestSlackAssistant,
		"reactions, an edit, a deletion, files": pageTestSlackOwn,
	} {
		t.Run(name, func(t *testing.T) { f(t, browser) })
	}
}

// pageTestSlackView opens the page with the Slack pane alone.
func pageTestSlackView(t *testing.T, browser context.Context, r *pageTestRig, place string) *pageTab {
	t.Helper()
	p := openPageTab(t, browser, r.url+"/#view=slack&slack="+pageTestSlackChannel+place)
	p.shows("slack", "channel", "general")
	return p
}

func pageTestSlackStream(t *testing.T, browser context.Context) {
	r := newPageTestRig(t)
	a := pageSlackConnect(t, r, nil)
	root, err := r.slack.Say("U0ADA", pageTestSlackChannel, "", "look it up")
	if err != nil {
		t.Fatal(err)
	}
	p := pageTestSlackView(t, browser, r, "&thread="+root)
	step := slack.NewTaskUpdateChunk("1", "Reading example.com")
	step.Status = slack.TaskCardStatusInProgress
	_, ts, err := a.api.StartStreamContext(t.Context(), pageTestSlackChannel, slack.MsgOptionTS(root), slack.MsgOptionRecipientTeamID("T0SANDBOX"),
		slack.MsgOptionRecipientUserID("U0ADA"), slack.MsgOptionChunks(slack.NewMarkdownTextChunk("One **mo"), step))
	if err != nil {
		t.Fatal(err)
	}
	p.until(`document.querySelector('[data-testid=thread] .is-streaming [data-testid=task]')?.dataset.status === 'in_progress'`)
	step.Title, step.Status, step.Details = "Read example.com", slack.TaskCardStatusComplete, "3 pages"
	_, _, err = a.api.AppendStreamContext(t.Context(), pageTestSlackChannel, ts, slack.MsgOptionChunks(step, slack.NewMarkdownTextChunk("Done *now*.")))
	if err != nil {
		t.Fatal(err)
	}
	p.until(`document.querySelector('[data-testid=thread] details[data-testid=task]')?.dataset.status === 'complete'`)
	p.until(`document.querySelector('[data-testid=thread] [data-bot=true] em')?.textContent === 'now'`)
	p.tap(pageSel("slack", "stop"))
	p.until(`!document.querySelector('.is-streaming')`)
	if _, _, err := a.api.AppendStreamContext(t.Context(), pageTestSlackChannel, ts, slack.MsgOptionChunks(slack.NewMarkdownTextChunk("x"))); err == nil || err.Error() != "stopped_by_user" {
		t.Errorf("after Stop came %v", err)
	}
	_, err = a.api.SetAgentSessionStatusContext(t.Context(), slack.AgentSessionSetStatusParameters{Status: "active", ChannelID: pageTestSlackChannel, ThreadTS: root})
	if err != nil {
		t.Fatal(err)
	}
	p.until(`document.querySelector('%s').hidden`, pageSel("slack", "stop"))
}

func pageTestSlackElements(t *testing.T, browser context.Context) {
	r := newPageTestRig(t)
	a := pageSlackConnect(t, r, nil)
	var options []*slack.OptionBlockObject
	for _, v := range []string{"small", "large"} {
		options = append(options, slack.NewOptionBlockObject(v, pageSlackPlain(v), nil))
	}
	_, ts, err := a.api.PostMessageContext(t.Context(), pageTestSlackChannel, slack.MsgOptionBlocks(
		slack.NewActionBlock("b", slack.NewButtonBlockElement("stop", "turn 7", pageSlackPlain("Stop")),
			slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, pageSlackPlain("Model"), "model", options...),
			slack.NewOverflowBlockElement("more", options...)),
		slack.NewContextActionsBlock("c", slack.NewFeedbackButtonsBlockElement("rate",
			slack.NewFeedbackButton(pageSlackPlain("Good"), "up"), slack.NewFeedbackButton(pageSlackPlain("Bad"), "down")))))
	if err != nil {
		t.Fatal(err)
	}
	p := pageTestSlackView(t, browser, r, "")
	did := func() slack.BlockAction {
		t.Helper()
		i := a.next()
		if i.User.ID != "U0ADA" || i.Message.Timestamp != ts || len(i.ActionCallback.BlockActions) != 1 {
			t.Fatalf("the app saw %+v", i)
		}
		return *i.ActionCallback.BlockActions[0]
	}
	p.tap(`[data-testid=element][data-action=stop]`)
	if got := did(); got.Value != "turn 7" {
		t.Errorf("Stop gave %+v", got)
	}
	p.eval(`(menu => { menu.value = 'large'; menu.dispatchEvent(new Event('change')); return ''; })(document.querySelector('[data-action=model]'))`)
	if got := did(); got.SelectedOption.Value != "large" {
		t.Errorf("the menu gave %+v", got)
	}
	p.tap(`[data-action=more]`)
	p.tap(pageSel("slack", "popup-item"))
	if got := did(); got.SelectedOption.Value != "small" {
		t.Errorf("the overflow menu gave %+v", got)
	}
	p.tap(`[data-testid=feedback][data-side=positive]`)
	if got := did(); got.Value != "up" {
		t.Errorf("the feedback gave %+v", got)
	}
	p.until(`document.querySelector('[data-testid=feedback][data-side=positive]').getAttribute('aria-pressed') === 'true'`)
	if _, _, _, err := a.api.UpdateMessageContext(t.Context(), pageTestSlackChannel, ts, slack.MsgOptionText("gone", false)); err != nil {
		t.Fatal(err)
	}
	p.until(`!document.querySelector('[data-action=stop]')`)
}

func pageTestSlackModal(t *testing.T, browser context.Context) {
	r := newPageTestRig(t)
	r.slack.o.Shortcuts = []SlackShortcut{{CallbackID: "ask", Name: "Ask in private"}, {CallbackID: "explain", Name: "Explain this", Message: true}}
	a := pageSlackConnect(t, r, func(i slack.InteractionCallback) any {
		if i.Type == slack.InteractionTypeViewSubmission && i.View.State.Values["q"]["q"].Value == "dull" {
			return slack.NewErrorsViewSubmissionResponse(map[string]string{"q": "Too dull."})
		}
		return nil
	})
	ts, err := r.slack.Say("U0GRACE", pageTestSlackChannel, "", "what does this mean?")
	if err != nil {
		t.Fatal(err)
	}
	p := pageTestSlackView(t, browser, r, "")
	p.tap(`[data-testid=slack] [data-id="` + ts + `"] [data-testid=message-menu]`)
	p.shows("slack", "popup", "Explain this")
	p.tap(pageSel("slack", "popup-item"))
	if i := a.next(); i.Type != slack.InteractionTypeMessageAction || i.CallbackID != "explain" || i.Message.Timestamp != ts || i.User.ID != "U0ADA" {
		t.Errorf("the app saw %+v", i)
	}
	p.tap(pageSel("slack", "shortcuts"))
	p.tap(pageSel("slack", "popup-item"))
	_, err = a.api.OpenViewContext(t.Context(), a.next().TriggerID, slack.ModalViewRequest{
		Type: slack.VTModal, Title: pageSlackPlain("Ask"), Submit: pageSlackPlain("Ask"),
		Blocks: slack.Blocks{BlockSet: []slack.Block{slack.NewInputBlock("q", pageSlackPlain("Question"), nil, slack.NewPlainTextInputBlockElement(nil, "q"))}},
	})
	if err != nil {
		t.Fatal(err)
	}
	p.shows("slack", "modal", "Question")
	p.tap(pageSel("slack", "modal-submit"))
	p.shows("slack", "field-error", "required")
	p.do(chromedp.SendKeys(`dialog [data-action=q]`, "dull"+kb.Enter))
	p.shows("slack", "field-error", "Too dull.")
	a.next()
	p.do(chromedp.SendKeys(`dialog [data-action=q]`, " no more"+kb.Enter))
	if i := a.next(); i.View.State.Values["q"]["q"].Value != "dull no more" {
		t.Errorf("the app saw %+v", i.View.State)
	}
	p.until(`!document.querySelector('[data-testid=modal]')`)
}

func pageTestSlackApp(t *testing.T, browser context.Context) {
	r := newPageTestRig(t)
	a := pageSlackConnect(t, r, nil)
	p := pageTestSlackView(t, browser, r, "")
	p.tap(pageSel("slack", "dm"))
	p.until(`document.querySelector('%s').offsetParent`, pageSel("slack", "tab-home"))
	p.tap(pageSel("slack", "tab-home"))
	p.shows("slack", "home", "nothing here yet")
	_, err := a.api.PublishViewContext(t.Context(), slack.PublishViewContextRequest{UserID: "U0ADA", View: slack.HomeTabViewRequest{
		Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: []slack.Block{
			slack.NewHeaderBlock(pageSlackPlain("Welcome, Ada")), slack.NewActionBlock("b", slack.NewButtonBlockElement("start", "v", pageSlackPlain("Start"))),
		}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	p.shows("slack", "home", "Welcome, Ada")
	p.tap(`[data-testid=home] [data-action=start]`)
	if i := a.next(); i.View.Type != slack.VTHomeTab || i.ActionCallback.BlockActions[0].Value != "v" {
		t.Errorf("the app saw %+v", i)
	}
	p.tap(pageSel("slack", "tab-messages"))
	prompts := slack.AssistantThreadsSetSuggestedPromptsParameters{ChannelID: "D0ADA"}
	prompts.AddPrompt("The time", "What time is it?")
	if err := a.api.SetAssistantThreadsSuggestedPromptsContext(t.Context(), prompts); err != nil {
		t.Fatal(err)
	}
	p.shows("slack", "suggested-prompt", "The time")
	p.tap(pageSel("slack", "suggested-prompt"))
	p.shows("slack", "message-text", "What time is it?")
	if list := r.slack.World().Messages("D0ADA"); len(list) != 1 || list[0].User != "U0ADA" {
		t.Errorf("the DM holds %+v", list)
	}
}

func pageTestSlackAssistant(t *testing.T, browser context.Context) {
	r := newPageTestRig(t)
	r.slack.o.Agent = SlackAssistantView
	a := pageSlackConnect(t, r, nil)
	p := pageTestSlackView(t, browser, r, "")
	p.tap(pageSel("slack", "dm"))
	p.until(`document.querySelector('%s').offsetParent`, pageSel("slack", "new-chat"))
	p.tap(pageSel("slack", "new-chat"))
	p.shows("slack", "thread", "New Assistant Thread")
	root := r.slack.World().Messages("D0ADA")[0].ID
	if err := a.api.SetAssistantThreadsTitleContext(t.Context(), slack.AssistantThreadsSetTitleParameters{ChannelID: "D0ADA", ThreadTS: root, Title: "About maps"}); err != nil {
		t.Fatal(err)
	}
	p.until(`document.querySelector('[data-testid=thread] h3').textContent.startsWith('About maps')`)
	err := a.api.SetAssistantThreadsStatusContext(t.Context(), slack.AssistantThreadsSetStatusParameters{
		ChannelID: "D0ADA", ThreadTS: root, Status: "is thinking…", LoadingMessages: []string{"Reading the map…"},
	})
	if err != nil {
		t.Fatal(err)
	}
	p.until(`document.querySelector('[data-testid=thread] [data-testid=status]').textContent === 'Reading the map'`)
}

func pageTestSlackOwn(t *testing.T, browser context.Context) {
	r := newPageTestRig(t)
	w := r.slack.World()
	p := pageTestSlackView(t, browser, r, "")
	p.do(chromedp.SendKeys(pageSel("slack", "composer"), "@bobbin a < b helo"+kb.Enter))
	p.shows("slack", "message-text", "@bobbin a < b helo")
	message := func() Message {
		list := w.Messages(pageTestSlackChannel)
		if len(list) == 0 {
			return Message{}
		}
		return list[len(list)-1]
	}
	p.tap(pageSel("slack", "add-reaction"))
	p.tap(pageSel("slack", "popup-item"))
	p.shows("slack", "reaction", "👍")
	if m := message(); len(m.Reactions) != 1 || m.Reactions[0].Emoji != "+1" {
		t.Errorf("Slack holds %+v", m)
	}
	p.tap(pageSel("slack", "reaction"))
	p.until(`!document.querySelector('[data-testid=slack] [data-testid=reaction]')`)
	p.tap(pageSel("slack", "message-menu"))
	p.tap(pageSel("slack", "popup-item"))
	p.do(chromedp.SendKeys(pageSel("slack", "edit-box"), " there"+kb.Enter))
	p.shows("slack", "message-text", "@bobbin a < b helo there")
	if m := message(); m.Text != "<@U0BOBBIN> a &lt; b helo there" {
		t.Errorf("Slack holds %+v", m)
	}
	p.tap(pageSel("slack", "message-menu"))
	p.tap(pageSel("slack", "popup-item") + `:last-child`)
	p.until(`!document.querySelector('[data-testid=slack] [data-testid=message]')`)

	p.eval(`(files => {
		const data = new DataTransfer();
		data.items.add(new File(["a <b>note</b>"], "note.html", {type: "text/html"}));
		data.items.add(new File([Uint8Array.from(atob("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="), c => c.charCodeAt(0))], "dot.png", {type: "image/png"}));
		files.files = data.files;
		files.dispatchEvent(new Event("change"));
		return "";
	})(document.querySelector('[data-testid=slack] [data-testid=files]'))`)
	p.tap(pageSel("slack", "send"))
	p.shows("slack", "file", "note.html")
	p.until(`document.querySelector('[data-testid=slack] .file-image img')?.naturalWidth === 1`)
	m := message()
	if len(m.Files) != 2 || m.Files[0].Name != "note.html" || m.Text != "" {
		t.Fatalf("Slack holds %+v", m)
	}
	status, body, h := r.do(t, "GET", "/api/slack/files/"+m.Files[0].ID, "")
	if status != 200 || body != "a <b>note</b>" || h.Get("Content-Disposition") != "attachment" || !strings.Contains(h.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("the file comes as %d %q %v", status, body, h)
	}
	if status, _, _ := r.do(t, "GET", "/api/slack/files/F9", ""); status != 404 {
		t.Errorf("a file that is not there: %d", status)
	}
}

func TestPageRefusesSlackActsThatAreNotAPersons(t *testing.T) {
	r := newPageTestRig(t)
	others := r.slack.OpenDM("U0GRACE")
	for path, body := range map[string]string{
		"press":    `"message":"7","name":"x"`,
		"choose":   `"message":"7","name":"x","values":["a"]`,
		"suggest":  `"message":"7","name":"x","text":"a"`,
		"shortcut": `"message":"7","name":"x"`,
		"react":    `"message":"7","name":"eyes"`,
		"unreact":  `"message":"7","name":"eyes"`,
		"edit":     `"message":"7","text":"x"`,
		"delete":   `"message":"7"`,
		"submit":   `"options":{"a":"b"}`,
		"close":    `"name":""`,
		"stop":     `"thread":"7"`,
	} {
		for who, at := range map[string]string{
			"Ada":              fmt.Sprintf(`"user":"U0ADA","channel":%q`, pageTestSlackChannel),
			"Ada in a view":    `"user":"U0ADA","channel":""`,
			"the bot":          fmt.Sprintf(`"user":"U0BOBBIN","channel":%q`, pageTestSlackChannel),
			"Ada in another's": fmt.Sprintf(`"user":"U0ADA","channel":%q`, others),
		} {
			status, answer, _ := r.do(t, "POST", "/api/slack/"+path, "{"+at+","+body+"}")
			var e struct {
				Error string `json:"error"`
			}
			if json.Unmarshal([]byte(answer), &e) != nil || status < 400 || status >= 500 || e.Error == "" {
				t.Errorf("%s by %s: %d %s", path, who, status, answer)
			}
		}
	}
}
