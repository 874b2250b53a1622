package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// pageTestBot is a bot that is connected to the page's Discord, and answers what
// people do there by the custom id or the name of what they used.
type pageTestBot struct {
	*discordBot
	mu   sync.Mutex
	last discordgo.Interaction
}

func (b *pageTestBot) seen() discordgo.Interaction {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.last
}

func pageTestConnect(t *testing.T, r *pageTestRig) *pageTestBot {
	t.Helper()
	s := httptest.NewServer(r.discord.Handler())
	t.Cleanup(func() { r.discord.Close(); s.Close() })
	b := &pageTestBot{discordBot: discordClient(t, r.discord, s.Listener.Addr().String(), http.DefaultTransport)}
	b.AddHandler(func(_ *discordgo.Session, i *discordgo.InteractionCreate) {
		b.mu.Lock()
		if i.Type != discordgo.InteractionApplicationCommandAutocomplete {
			b.last = *i.Interaction
		}
		b.mu.Unlock()
		if err := b.InteractionRespond(i.Interaction, pageTestAnswer(i)); err != nil {
			t.Errorf("answer: %v", err)
		}
	})
	if err := b.Open(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.ApplicationCommandBulkOverwrite(r.discord.ApplicationID(), "", discordEveryKind); err != nil {
		t.Fatal(err)
	}
	return b
}

func pageTestAnswer(i *discordgo.InteractionCreate) *discordgo.InteractionResponse {
	say := func(kind discordgo.InteractionResponseType, text string, flags discordgo.MessageFlags) *discordgo.InteractionResponse {
		return &discordgo.InteractionResponse{Type: kind, Data: &discordgo.InteractionResponseData{Content: text, Flags: flags}}
	}
	switch i.Type {
	case discordgo.InteractionApplicationCommandAutocomplete:
		return &discordgo.InteractionResponse{Type: discordgo.InteractionApplicationCommandAutocompleteResult, Data: &discordgo.InteractionResponseData{
			Choices: []*discordgo.ApplicationCommandOptionChoice{{Name: "GLM flash", Value: "glm"}, {Name: "Large one", Value: "large"}},
		}}
	case discordgo.InteractionMessageComponent:
		data := i.MessageComponentData()
		switch data.CustomID {
		case "stop:1":
			return say(discordgo.InteractionResponseUpdateMessage, "stopped", 0)
		case "up:1":
			return &discordgo.InteractionResponse{Type: discordgo.InteractionResponseModal, Data: &discordgo.InteractionResponseData{
				CustomID: "why", Title: "What was good?", Components: []discordgo.MessageComponent{discordgo.ActionsRow{Components: []discordgo.MessageComponent{
					discordgo.TextInput{CustomID: "reason", Label: "Reason", Style: discordgo.TextInputParagraph, Required: true, Placeholder: "In a few words"},
				}}},
			}}
		}
		return say(discordgo.InteractionResponseChannelMessageWithSource, "you chose "+strings.Join(data.Values, ", "), discordgo.MessageFlagsEphemeral)
	case discordgo.InteractionPing, discordgo.InteractionApplicationCommand:
	case discordgo.InteractionModalSubmit:
		return say(discordgo.InteractionResponseChannelMessageWithSource, "thank you", discordgo.MessageFlagsEphemeral)
	}
	return say(discordgo.InteractionResponseChannelMessageWithSource, "you used "+i.ApplicationCommandData().Name, 0)
}

func TestDiscordPaneInABrowser(t *testing.T) {
	browser := pageTestBrowser(t)
	for name, f := range map[string]func(*testing.T, context.Context){
		"buttons, a menu and a form":            pageTestDiscordComponents,
		"a button that nothing answers":         pageTestDiscordSilence,
		"commands with options and suggestions": pageTestDiscordCommands,
		"apps of a message and of a person":     pageTestDiscordApps,
		"reactions, an edit, a deletion, files": pageTestDiscordOwn,
	} {
		t.Run(name, func(t *testing.T) { f(t, browser) })
	}
}

// pageTestDiscordView opens the page with the Discord pane alone.
func pageTestDiscordView(t *testing.T, browser context.Context, r *pageTestRig) *pageTab {
	t.Helper()
	p := openPageTab(t, browser, r.url+"/#view=discord")
	p.shows("discord", "channel", "general")
	return p
}

// press clicks a component once the one before it has been answered.
func (p *pageTab) press(id string) {
	p.t.Helper()
	p.tap(fmt.Sprintf(`[data-testid=component][data-id=%q]`, id))
}

func (p *pageTab) click(pane, testid string) {
	p.t.Helper()
	p.tap(pageSel(pane, testid))
}

func pageTestDiscordComponents(t *testing.T, browser context.Context) {
	r := newPageTestRig(t)
	b := pageTestConnect(t, r)
	m := discordPostRows(t, b.discordBot, pageTestDiscordChannel)
	p := pageTestDiscordView(t, browser, r)
	p.shows("discord", "component", "Stop")
	p.until(`[...document.querySelectorAll('[data-testid=component]')].find(b => b.dataset.id === 'old:1').disabled`)
	p.until(`document.querySelector('a.component')?.href === 'https://example.com/' && document.querySelector('a.component').rel.includes('noopener')`)
	p.eval(`(menu => { menu.value = 'm-2'; menu.dispatchEvent(new Event('change')); return ''; })(document.querySelector('[data-testid=component-menu]'))`)
	p.shows("discord", "message-text", "you chose m-2")
	p.shows("discord", "message", "Only you can see this")
	p.click("discord", "dismiss")
	p.until(`!document.querySelector('[data-testid=dismiss]')`)

	p.press("up:1")
	p.do(chromedp.WaitVisible(`[data-testid=modal]`))
	p.do(chromedp.SendKeys(`[data-testid=modal-field]`, "it was quick"))
	p.tap(`[data-testid=modal-submit]`)
	p.shows("discord", "message-text", "thank you")
	p.until(`!document.querySelector('[data-testid=modal]')`)
	if i := b.seen(); i.Type != discordgo.InteractionModalSubmit || i.Member.User.ID != pageTestAda {
		t.Errorf("the bot saw %+v", i)
	}
	p.press("up:1")
	p.do(chromedp.WaitVisible(`[data-testid=modal]`))
	p.do(chromedp.SendKeys(`[data-testid=modal-field]`, kb.Escape))
	p.until(`!document.querySelector('[data-testid=modal]')`)

	p.press("stop:1")
	p.shows("discord", "message-text", "stopped")
	if seen, _ := r.discord.World().Message(pageTestDiscordChannel, m.ID); seen.Text != "stopped" {
		t.Errorf("Discord holds %+v", seen)
	}
}

// pageTestDiscordSilence has no bot that answers, and a Discord that does not wait.
func pageTestDiscordSilence(t *testing.T, browser context.Context) {
	r := newPageTestRig(t)
	d := r.discord
	d.o.AckWithin = 1
	rows, fail := discordComponentsOf([]byte(`[{"type":1,"components":[{"type":2,"style":4,"label":"Stop","custom_id":"stop:1"}]}]`), "components", false)
	if fail != nil {
		t.Fatal(fail)
	}
	d.mu.Lock()
	d.add(&discordMessage{id: d.newID(), channel: pageTestDiscordChannel, author: pageTestDiscordBot, at: time.Now(), content: "hello", components: rows})
	d.mu.Unlock()
	p := pageTestDiscordView(t, browser, r)
	p.press("stop:1")
	p.shows("discord", "failed", "This interaction failed")
	p.press("stop:1")
}

func pageTestDiscordCommands(t *testing.T, browser context.Context) {
	r := newPageTestRig(t)
	b := pageTestConnect(t, r)
	p := pageTestDiscordView(t, browser, r)
	composer := pageSel("discord", "composer")
	p.do(chromedp.SendKeys(composer, "/mod"))
	p.shows("discord", "suggestion", "Pick a model")
	p.do(chromedp.SendKeys(composer, kb.Enter))
	p.shows("discord", "suggestion", "heat")
	p.do(chromedp.SendKeys(composer, "n"+kb.Enter+"l"))
	p.shows("discord", "suggestion", "Large one")
	p.do(chromedp.SendKeys(composer, kb.ArrowDown+kb.Enter))
	p.until(`document.querySelector('%s').value === '/model name:large '`, composer)
	p.do(chromedp.SendKeys(composer, "for:th"))
	p.shows("discord", "suggestion", "This session")
	p.do(chromedp.SendKeys(composer, kb.Enter+kb.Enter))
	p.shows("discord", "used", "ada used /model")
	p.shows("discord", "message-text", "you used model")
	i := b.seen()
	if data := i.ApplicationCommandData(); data.GetOption("name").StringValue() != "large" || data.GetOption("for").StringValue() != "session" {
		t.Errorf("the bot saw %+v", data)
	}
	p.do(chromedp.SendKeys(composer, "/session"+kb.Escape+kb.Enter))
	p.shows("discord", "error", "/session reset or /session export as")
	p.do(chromedp.SendKeys(composer, " export as json"+kb.Enter))
	p.shows("discord", "used", "/session export as")
}

func pageTestDiscordApps(t *testing.T, browser context.Context) {
	r := newPageTestRig(t)
	b := pageTestConnect(t, r)
	id, err := r.discord.Say("grace", "general", "", "what a day")
	if err != nil {
		t.Fatal(err)
	}
	p := pageTestDiscordView(t, browser, r)
	p.shows("discord", "message-text", "what a day")
	p.eval(`document.querySelector('[data-testid=apps]').click(), ''`)
	p.shows("discord", "popup", "Ask bobbin about this")
	p.click("discord", "popup-item")
	p.shows("discord", "used", "ada used Ask bobbin about this")
	if i := b.seen(); i.ApplicationCommandData().TargetID != id {
		t.Errorf("the bot saw %+v", i)
	}
	p.click("discord", "user-apps")
	p.shows("discord", "popup", "Who is this?")
	p.do(chromedp.SendKeys(pageSel("discord", "popup-item"), kb.Enter))
	p.shows("discord", "used", "ada used Who is this?")
}

func pageTestDiscordOwn(t *testing.T, browser context.Context) {
	r := newPageTestRig(t)
	w := r.discord.World()
	p := pageTestDiscordView(t, browser, r)
	composer := pageSel("discord", "composer")
	p.do(chromedp.SendKeys(composer, "@bobbin helo"+kb.Enter))
	p.shows("discord", "message-text", "@bobbin helo")
	message := func() Message {
		list := w.Messages(pageTestDiscordChannel)
		if len(list) == 0 {
			return Message{}
		}
		return list[len(list)-1]
	}
	p.eval(`document.querySelector('[data-testid=react]').click(), ''`)
	p.click("discord", "popup-item")
	p.shows("discord", "reaction", "1")
	if m := message(); len(m.Reactions) != 1 || m.Reactions[0].Emoji != "👍" {
		t.Errorf("Discord holds %+v", m)
	}
	p.click("discord", "reaction")
	p.until(`!document.querySelector('[data-testid=reaction]')`)
	p.eval(`document.querySelector('[data-testid=edit]').click(), ''`)
	p.do(chromedp.SendKeys(pageSel("discord", "edit-box"), " there"+kb.Enter))
	p.shows("discord", "message-text", "@bobbin helo there")
	if m := message(); m.Text != "<@"+pageTestDiscordBot+"> helo there" {
		t.Errorf("Discord holds %+v", m)
	}
	p.eval(`document.querySelector('[data-testid=delete]').click(), ''`)
	p.until(`!document.querySelector('[data-testid=message]')`)

	p.eval(`(files => {
		const data = new DataTransfer();
		data.items.add(new File(["a <b>note</b>"], "note.html", {type: "text/html"}));
		data.items.add(new File([Uint8Array.from(atob("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="), c => c.charCodeAt(0))], "dot.png", {type: "image/png"}));
		files.files = data.files;
		files.dispatchEvent(new Event("change"));
		return "";
	})(document.querySelector('[data-testid=discord] [data-testid=files]'))`)
	p.shows("discord", "attached", "note.html")
	p.click("discord", "send")
	p.shows("discord", "file", "note.html")
	p.until(`document.querySelector('.file-image img')?.naturalWidth === 1 && document.querySelector('[data-testid=attached]').hidden`)
	m := message()
	if len(m.Files) != 2 || m.Files[0].Name != "note.html" || m.Text != "" {
		t.Fatalf("Discord holds %+v", m)
	}
	status, body, h := r.do(t, "GET", "/api/discord"+m.Files[0].URL, "")
	if status != 200 || body != "a <b>note</b>" || h.Get("Content-Disposition") != "attachment" || !strings.Contains(h.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("the file comes as %d %q %v", status, body, h)
	}
	if status, _, _ := r.do(t, "GET", "/api/discord/attachments/1/2/x", ""); status != 404 {
		t.Errorf("a file that is not there: %d", status)
	}
}

func TestPageRefusesDiscordActsThatAreNotAPersons(t *testing.T) {
	r := newPageTestRig(t)
	others := r.discord.OpenDM("grace")
	for path, body := range map[string]string{
		"press":   `"message":"7","name":"x"`,
		"choose":  `"message":"7","name":"x","values":["a"]`,
		"menu":    `"message":"7","name":"x"`,
		"suggest": `"name":"ask","focused":"text"`,
		"react":   `"message":"7","name":"👍"`,
		"unreact": `"message":"7","name":"👍"`,
		"edit":    `"message":"7","text":"x"`,
		"delete":  `"message":"7"`,
		"submit":  `"options":{"a":"b"}`,
	} {
		for who, at := range map[string]string{
			"ada":              fmt.Sprintf(`"user":%q,"channel":%q`, pageTestAda, pageTestDiscordChannel),
			"the bot":          fmt.Sprintf(`"user":%q,"channel":%q`, pageTestDiscordBot, pageTestDiscordChannel),
			"ada in another's": fmt.Sprintf(`"user":%q,"channel":%q`, pageTestAda, others),
		} {
			status, answer, _ := r.do(t, "POST", "/api/discord/"+path, "{"+at+","+body+"}")
			var e struct {
				Error string `json:"error"`
			}
			if json.Unmarshal([]byte(answer), &e) != nil || status < 400 || status >= 500 || e.Error == "" || strings.Contains(e.Error, "sandbox:") {
				t.Errorf("%s by %s: %d %s", path, who, status, answer)
			}
		}
	}
	status, _, _ := r.do(t, "GET", "/api/discord/commands?user=7&channel=8", "")
	if status != 404 {
		t.Errorf("commands of nobody: %d", status)
	}
}
