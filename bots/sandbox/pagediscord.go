package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

func (f pageFile) upload() DiscordUpload {
	return DiscordUpload{Name: f.Name, Type: f.Type, Data: f.Data}
}

func (p *Page) discordSay(q pageRequest) (pageReply, error) {
	d := p.o.Discord
	said := q
	if len(q.Files) > 0 && strings.TrimSpace(q.Text) == "" {
		said.Text = "a file" // it needs no text beside it
	}
	err := pageMaySay(d.World(), said, "message to reply to", q.ReplyTo, pageUnits(q.Text), pageDiscordText)
	if err != nil {
		return pageReply{}, err
	}
	send := DiscordSend{User: q.User, Channel: q.Channel, ReplyTo: q.ReplyTo, Text: q.Text}
	for _, f := range q.Files {
		send.Files = append(send.Files, f.upload())
	}
	id, err := d.Send(send)
	return pageReply{ID: id}, err
}

func (p *Page) discordCommand(q pageRequest) (pageReply, error) {
	if err := pageMayCommand(p.o.Discord.World(), q); err != nil {
		return pageReply{}, err
	}
	for name, value := range q.Options {
		if n := pageUnits(value); n > pageDiscordOption {
			return pageReply{}, pageBad("the option %.40q is too long: %d characters of %d", name, n, pageDiscordOption)
		}
	}
	use := DiscordUse{User: q.User, Channel: q.Channel, Name: strings.TrimPrefix(q.Name, "/"), Options: q.Options}
	for _, f := range q.Files {
		if use.Files == nil {
			use.Files = make(map[string]DiscordUpload)
		}
		use.Files[f.Option] = f.upload()
	}
	return p.discordActed(q, "The application did not respond", p.o.Discord.Use(use))
}

func (p *Page) discordDM(q pageRequest) (pageReply, error) {
	return pageDM(p.o.Discord.World(), q.User, p.o.Discord.OpenDM)
}

func (p *Page) discordThread(q pageRequest) (pageReply, error) {
	d := p.o.Discord
	if err := pageMay(d.World(), q.User, q.Channel); err != nil {
		return pageReply{}, err
	}
	if c, _ := d.World().Channel(q.Channel); c.Direct || c.Parent != "" {
		return pageReply{}, pageBad("a thread can only be started in a channel")
	}
	if _, ok := d.World().Message(q.Channel, q.Message); !ok {
		return pageReply{}, &pageError{http.StatusNotFound, fmt.Sprintf("there is no message %.60q", q.Message)}
	}
	if err := pageText(q.Name, pageUnits(q.Name), pageThreadName); err != nil {
		return pageReply{}, err
	}
	id, err := d.StartThread(q.User, q.Channel, q.Message, q.Name)
	return pageReply{Channel: id}, err
}

// discordActed turns what came of an interaction into what the page shows.
func (p *Page) discordActed(q pageRequest, silent string, err error) (pageReply, error) {
	if errors.Is(err, ErrDiscordNoAnswer) {
		return pageReply{}, pageBad("%s", silent)
	}
	if err != nil {
		return pageReply{}, err
	}
	if m, open := p.o.Discord.Modal(q.User); open {
		return pageReply{Modal: &m}, nil
	}
	return pageReply{}, nil
}

const pageInteractionFailed = "This interaction failed"

func (p *Page) discordPress(q pageRequest) (pageReply, error) {
	if err := pageMay(p.o.Discord.World(), q.User, q.Channel); err != nil {
		return pageReply{}, err
	}
	return p.discordActed(q, pageInteractionFailed, p.o.Discord.Press(q.User, q.Channel, q.Message, q.Name))
}

func (p *Page) discordChoose(q pageRequest) (pageReply, error) {
	if err := pageMay(p.o.Discord.World(), q.User, q.Channel); err != nil {
		return pageReply{}, err
	}
	return p.discordActed(q, pageInteractionFailed, p.o.Discord.Choose(q.User, q.Channel, q.Message, q.Name, q.Values...))
}

// discordMenu uses an entry of the context menu of a message, or of a user.
func (p *Page) discordMenu(q pageRequest) (pageReply, error) {
	if err := pageMayCommand(p.o.Discord.World(), q); err != nil {
		return pageReply{}, err
	}
	use, target := p.o.Discord.UseOnMessage, q.Message
	if q.Target != "" {
		use, target = p.o.Discord.UseOnUser, q.Target
	}
	return p.discordActed(q, "The application did not respond", use(q.User, q.Channel, q.Name, target))
}

func (p *Page) discordSuggest(q pageRequest) (pageReply, error) {
	if err := pageMayCommand(p.o.Discord.World(), q); err != nil {
		return pageReply{}, err
	}
	choices, err := p.o.Discord.Autocomplete(q.User, q.Channel, q.Name, q.Options, q.Focused)
	if errors.Is(err, ErrDiscordNoAnswer) {
		return pageReply{}, pageBad("Loading options failed")
	}
	return pageReply{Choices: choices}, err
}

func (p *Page) discordSubmit(q pageRequest) (pageReply, error) {
	return p.discordActed(q, "Something went wrong. Try again.", p.o.Discord.SubmitModal(q.User, q.Options))
}

func (p *Page) discordCloseModal(q pageRequest) (pageReply, error) {
	p.o.Discord.DismissModal(q.User)
	return pageReply{}, nil
}

func (p *Page) discordReact(q pageRequest) (pageReply, error) {
	return pageReply{}, p.discordReacts(q, p.o.Discord.React)
}

func (p *Page) discordUnreact(q pageRequest) (pageReply, error) {
	return pageReply{}, p.discordReacts(q, p.o.Discord.Unreact)
}

func (p *Page) discordReacts(q pageRequest, do func(user, channel, id, emoji string) error) error {
	if err := pageMay(p.o.Discord.World(), q.User, q.Channel); err != nil {
		return err
	}
	return do(q.User, q.Channel, q.Message, q.Name)
}

func (p *Page) discordEdit(q pageRequest) (pageReply, error) {
	if err := pageMaySay(p.o.Discord.World(), q, "message", q.Message, pageUnits(q.Text), pageDiscordText); err != nil {
		return pageReply{}, err
	}
	return pageReply{}, p.o.Discord.Edit(q.User, q.Channel, q.Message, q.Text)
}

// discordDelete takes away a message of the person's own, or puts away one that only
// they see.
func (p *Page) discordDelete(q pageRequest) (pageReply, error) {
	w := p.o.Discord.World()
	if err := pageMay(w, q.User, q.Channel); err != nil {
		return pageReply{}, err
	}
	if m, ok := w.Message(q.Channel, q.Message); ok && m.OnlyFor == q.User {
		return pageReply{}, p.o.Discord.Dismiss(q.User, q.Channel, q.Message)
	}
	return pageReply{}, p.o.Discord.Delete(q.User, q.Channel, q.Message)
}

// serveDiscordCommands lists what a person can use in a channel by now: the bot registers
// that when it starts, which may be after the page was opened.
func (p *Page) serveDiscordCommands(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	list, err := p.o.Discord.CommandsFor(q.Get("user"), q.Get("channel"))
	if err != nil {
		pageFail(w, http.StatusNotFound, strings.TrimPrefix(err.Error(), "discord sandbox: "))
		return
	}
	pageAnswer(w, http.StatusOK, struct {
		Commands []DiscordCommand `json:"commands"`
	}{list})
}

// serveDiscordFile gives a file of a message to the page: pictures and sound to be
// shown there, all else to be saved.
func (p *Page) serveDiscordFile(w http.ResponseWriter, r *http.Request) {
	data, kind, ok := p.o.Discord.file(r.PathValue("channel"), r.PathValue("attachment"), r.PathValue("name"))
	if !ok {
		pageFail(w, http.StatusNotFound, "there is no such file")
		return
	}
	pageServeFile(w, r, kind, data)
}

// pageServeFile serves bytes that somebody else has chosen: nothing in them can act
// on behalf of the page.
func pageServeFile(w http.ResponseWriter, r *http.Request, kind string, data []byte) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	if kind == "" {
		kind = "application/octet-stream"
	}
	h.Set("Content-Type", kind)
	if !strings.HasPrefix(kind, "image/") && !strings.HasPrefix(kind, "audio/") {
		h.Set("Content-Disposition", "attachment")
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}
