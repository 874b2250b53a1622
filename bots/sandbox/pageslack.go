package sandbox

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"
)

func (p *Page) slackSay(q pageRequest) (pageReply, error) {
	s := p.o.Slack
	said := q
	if len(q.Files) > 0 && strings.TrimSpace(q.Text) == "" {
		said.Text = "a file" // it needs no text beside it
	}
	err := pageMaySay(s.World(), said, "thread", q.Thread, utf8.RuneCountInString(q.Text), pageSlackText)
	if err != nil {
		return pageReply{}, err
	}
	if len(q.Files) == 0 {
		ts, err := s.Say(q.User, q.Channel, q.Thread, q.Text)
		return pageReply{ID: ts}, err
	}
	files := make([]SlackFile, 0, len(q.Files))
	for _, f := range q.Files {
		files = append(files, SlackFile{Name: f.Name, Type: f.Type, Data: f.Data})
	}
	ts, err := s.Upload(q.User, q.Channel, q.Thread, q.Text, files...)
	return pageReply{ID: ts}, err
}

func (p *Page) slackCommand(q pageRequest) (pageReply, error) {
	if err := pageMayCommand(p.o.Slack.World(), q); err != nil {
		return pageReply{}, err
	}
	if n := utf8.RuneCountInString(q.Text); n > pageSlackText {
		return pageReply{}, pageText(q.Text, n, pageSlackText)
	}
	err := p.o.Slack.Command(q.User, q.Channel, "/"+strings.TrimPrefix(q.Name, "/"), q.Text)
	if errors.Is(err, ErrSlackDispatch) || errors.Is(err, ErrSlackTimeout) {
		return pageReply{}, nil // Slack itself tells the person, in the channel
	}
	return pageReply{}, err
}

func (p *Page) slackDM(q pageRequest) (pageReply, error) {
	return pageDM(p.o.Slack.World(), q.User, func(user string) string {
		channel, err := p.o.Slack.OpenMessages(user)
		if err != nil {
			return ""
		}
		return channel
	})
}

// slackAssistant opens a conversation with the agent beside the channel that q names.
func (p *Page) slackAssistant(q pageRequest) (pageReply, error) {
	channel, thread, err := p.o.Slack.OpenAssistant(q.User, q.Channel)
	return pageReply{Channel: channel, ID: thread}, err
}

// slackLook says which channel a person has come to.
func (p *Page) slackLook(q pageRequest) (pageReply, error) {
	if err := pageMay(p.o.Slack.World(), q.User, q.Channel); err != nil {
		return pageReply{}, err
	}
	return pageReply{}, p.o.Slack.Look(q.User, q.Channel)
}

func (p *Page) slackHome(q pageRequest) (pageReply, error) {
	_, _, err := p.o.Slack.OpenHome(q.User)
	return pageReply{}, err
}

// slackMayAct reports why a person may not act on a message, or on a view, which is in
// no channel.
func (p *Page) slackMayAct(q pageRequest) error {
	if q.Channel == "" {
		return nil
	}
	return pageMay(p.o.Slack.World(), q.User, q.Channel)
}

// slackActed puts what became of an interaction in the words in which Slack does.
func slackActed(err error) (pageReply, error) {
	switch form, wrong := errors.AsType[*SlackFormError](err); {
	case wrong:
		return pageReply{}, &pageError{http.StatusConflict, form.Error()}
	case errors.Is(err, ErrSlackDispatch), errors.Is(err, ErrSlackTimeout):
		return pageReply{}, pageBad("We had some trouble connecting. Try again?")
	}
	return pageReply{}, err
}

func (p *Page) slackPress(q pageRequest) (pageReply, error) {
	if err := p.slackMayAct(q); err != nil {
		return pageReply{}, err
	}
	return slackActed(p.o.Slack.Press(q.User, q.Channel, q.Message, q.Name))
}

func (p *Page) slackChoose(q pageRequest) (pageReply, error) {
	if err := p.slackMayAct(q); err != nil {
		return pageReply{}, err
	}
	return slackActed(p.o.Slack.Choose(q.User, q.Channel, q.Message, q.Name, q.Values...))
}

// slackSuggest returns what the app offers in a menu for what is typed into it.
func (p *Page) slackSuggest(q pageRequest) (pageReply, error) {
	if err := p.slackMayAct(q); err != nil {
		return pageReply{}, err
	}
	options, err := p.o.Slack.Suggest(q.User, q.Channel, q.Message, q.Name, q.Text)
	if err != nil {
		return slackActed(err)
	}
	return pageReply{Options: options}, nil
}

func (p *Page) slackSubmit(q pageRequest) (pageReply, error) {
	return slackActed(p.o.Slack.Submit(q.User, q.Options))
}

func (p *Page) slackClose(q pageRequest) (pageReply, error) {
	return slackActed(p.o.Slack.CloseModal(q.User))
}

// slackShortcut uses a shortcut of a message's menu, or of the workspace's.
func (p *Page) slackShortcut(q pageRequest) (pageReply, error) {
	if q.Message == "" {
		return slackActed(p.o.Slack.Shortcut(q.User, q.Name))
	}
	if err := pageMay(p.o.Slack.World(), q.User, q.Channel); err != nil {
		return pageReply{}, err
	}
	return slackActed(p.o.Slack.MessageShortcut(q.User, q.Channel, q.Message, q.Name))
}

func (p *Page) slackStop(q pageRequest) (pageReply, error) {
	if err := pageMay(p.o.Slack.World(), q.User, q.Channel); err != nil {
		return pageReply{}, err
	}
	return pageReply{}, p.o.Slack.StopStreaming(q.User, q.Channel, q.Thread)
}

func (p *Page) slackReact(q pageRequest) (pageReply, error) {
	if err := pageMay(p.o.Slack.World(), q.User, q.Channel); err != nil {
		return pageReply{}, err
	}
	return pageReply{}, p.o.Slack.React(q.User, q.Channel, q.Message, q.Name)
}

func (p *Page) slackUnreact(q pageRequest) (pageReply, error) {
	if err := pageMay(p.o.Slack.World(), q.User, q.Channel); err != nil {
		return pageReply{}, err
	}
	return pageReply{}, p.o.Slack.Unreact(q.User, q.Channel, q.Message, q.Name)
}

func (p *Page) slackEdit(q pageRequest) (pageReply, error) {
	if err := pageMaySay(p.o.Slack.World(), q, "message", q.Message, utf8.RuneCountInString(q.Text), pageSlackText); err != nil {
		return pageReply{}, err
	}
	return pageReply{}, p.o.Slack.Edit(q.User, q.Channel, q.Message, q.Text)
}

// slackDelete takes away a message of the person's own, or puts away one that only
// they see.
func (p *Page) slackDelete(q pageRequest) (pageReply, error) {
	w := p.o.Slack.World()
	if err := pageMay(w, q.User, q.Channel); err != nil {
		return pageReply{}, err
	}
	if m, ok := w.Message(q.Channel, q.Message); ok && m.OnlyFor == q.User {
		return pageReply{}, p.o.Slack.Dismiss(q.User, q.Channel, q.Message)
	}
	return pageReply{}, p.o.Slack.Delete(q.User, q.Channel, q.Message)
}

// serveSlackFile gives a file of a message to the page.
func (p *Page) serveSlackFile(w http.ResponseWriter, r *http.Request) {
	f, ok := p.o.Slack.File(r.PathValue("id"))
	if !ok || f.Data == nil {
		pageFail(w, http.StatusNotFound, fmt.Sprintf("there is no file %.40q", r.PathValue("id")))
		return
	}
	pageServeFile(w, r, f.Type, f.Data)
}
