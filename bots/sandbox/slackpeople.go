package sandbox

import (
	"crypto/rand"
	"fmt"
)

// Say lets a person, or another bot, write in a channel or DM, in the thread with
// that root if one is named. The text is what is typed: @name and <@ID> mention,
// a URL becomes a link. It returns the ts of the message.
//
// The app gets what it subscribed to: in a channel a message event and, if it is
// mentioned, an app_mention of the same ts besides; in a DM a message event.
func (s *Slack) Say(user, channel, thread, text string) (ts string, err error) {
	return s.say(user, channel, thread, text, nil)
}

// say posts text with files that are there already.
func (s *Slack) say(user, channel, thread, text string, files []string) (ts string, err error) {
	u, ok := s.world.User(user)
	if !ok || u.Deleted {
		return "", fmt.Errorf("say in %s: no user %q", channel, user)
	}
	c, ok := s.world.Channel(channel)
	if !ok {
		return "", fmt.Errorf("say: no channel %q", channel)
	}
	text = s.typed(text)
	s.mu.Lock()
	defer s.mu.Unlock()
	if thread != "" {
		root, ok := s.world.Message(channel, thread)
		if !ok {
			return "", fmt.Errorf("say in %s: no thread %q", channel, thread)
		}
		if root.Thread != "" {
			thread = root.Thread
		}
	}
	for _, id := range files {
		if f := s.files[id]; f == nil || f.user != user || !f.sent {
			return "", fmt.Errorf("say in %s: %s has no file %q", channel, user, id)
		}
	}
	if len(files) > slackMaxFiles {
		return "", fmt.Errorf("say in %s: %d files of at most %d", channel, len(files), slackMaxFiles)
	}
	m := Message{ID: s.newTS(), Channel: channel, Thread: thread, User: u.ID, Text: text, Files: s.attached(files)}
	for _, id := range files {
		s.files[id].shares = append(s.files[id].shares, slackRef{channel, m.ID})
	}
	s.extra(channel, m.ID).clientID = rand.Text()
	s.world.Put(m)
	s.announce(c, m)
	return m.ID, nil
}

// OpenDM returns the channel in which a person writes to the bot alone, or nothing
// if there is no such person.
func (s *Slack) OpenDM(user string) (channel string) {
	u, ok := s.world.User(user)
	if !ok || len(user) < 2 {
		return ""
	}
	c := Channel{ID: "D" + user[1:], Name: u.Name, Direct: true, User: user}
	s.world.AddChannel(c)
	return c.ID
}

// Edit lets a person change a message of theirs.
func (s *Slack) Edit(user, channel, ts, text string) error {
	text = s.typed(text)
	s.mu.Lock()
	defer s.mu.Unlock()
	c, old, err := s.own(user, channel, ts)
	if err != nil {
		return fmt.Errorf("edit: %w", err)
	}
	before := s.show(old)
	m := old
	m.Text = text
	s.extra(channel, ts).edited = s.newTS()
	s.world.Put(m)
	s.announceChange(c, m, before)
	if !c.Direct && slackMentions(m.Text, s.o.Bot.ID) && !slackMentions(old.Text, s.o.Bot.ID) {
		s.announceMention(c, m)
	}
	return nil
}

// Delete lets a person delete a message of theirs.
func (s *Slack) Delete(user, channel, ts string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, m, err := s.own(user, channel, ts)
	if err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	s.remove(c, m)
	return nil
}

// Dismiss lets a person put away a message that only they see. Nobody hears of it.
func (s *Slack) Dismiss(user, channel, ts string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, ok := s.world.Message(channel, ts)
	if !ok || m.OnlyFor != user {
		return fmt.Errorf("dismiss: %s sees no such message %s in %q", user, ts, channel)
	}
	s.world.Delete(channel, ts)
	delete(s.extras, slackRef{channel, ts})
	return nil
}

// own finds a message that user wrote. The caller holds mu.
func (s *Slack) own(user, channel, ts string) (Channel, Message, error) {
	c, _ := s.world.Channel(channel)
	m, ok := s.world.Message(channel, ts)
	if !ok {
		return c, m, fmt.Errorf("no message %s in %q", ts, channel)
	}
	if m.User != user {
		return c, m, fmt.Errorf("message %s is not of %q", ts, user)
	}
	return c, m, nil
}

// remove deletes m and tells the app. The caller holds mu.
func (s *Slack) remove(c Channel, m Message) {
	before := s.show(m)
	s.world.Delete(m.Channel, m.ID)
	ref := slackRef{m.Channel, m.ID}
	delete(s.extras, ref)
	if st := s.streams[ref]; st != nil {
		st.end()
		delete(s.streams, ref)
	}
	ts := s.newTS()
	s.announceEvent(c, slackMessage{
		Type: "message", Subtype: "message_deleted", Hidden: true, DeletedTS: m.ID,
		Channel: c.ID, ChannelType: slackChannelType(c), TS: ts, EventTS: ts, Previous: &before,
	})
}

// announce tells the app of a new message. The caller holds mu.
func (s *Slack) announce(c Channel, m Message) {
	if !c.Direct && slackMentions(m.Text, s.o.Bot.ID) && !s.isBot(m.User) {
		s.announceMention(c, m)
	}
	if !s.subscribed(c) {
		return
	}
	e := s.show(m)
	e.Files = s.showFiles(m, true)
	if c.Direct && s.events["app_context_changed"] && !s.isBot(m.User) {
		e.AppContext = s.appContext(m.User)
	}
	e.Channel, e.ChannelType, e.EventTS = c.ID, slackChannelType(c), m.ID
	s.deliverEvent(c.ID, e)
}

// announceMention tells the app that m mentions it. The caller holds mu.
func (s *Slack) announceMention(c Channel, m Message) {
	if !s.events["app_mention"] || s.deafTo(c.ID) {
		return
	}
	e := s.show(m)
	e.Type, e.Subtype, e.Channel, e.EventTS = "app_mention", "", c.ID, m.ID
	e.Files = s.showFiles(m, true)
	s.deliverEvent(c.ID, e)
}

// announceChange tells the app that before has become m. The caller holds mu.
func (s *Slack) announceChange(c Channel, m Message, before slackMessage) {
	now, ts := s.show(m), s.newTS()
	s.announceEvent(c, slackMessage{
		Type: "message", Subtype: "message_changed", Hidden: true,
		Channel: c.ID, ChannelType: slackChannelType(c), TS: ts, EventTS: ts, Message: &now, Previous: &before,
	})
}

// announceEvent delivers a message event if the app wants those of the channel. The
// caller holds mu.
func (s *Slack) announceEvent(c Channel, e slackMessage) {
	if s.subscribed(c) {
		s.deliverEvent(c.ID, e)
	}
}

// subscribed reports whether the app gets the message events of a channel. The caller
// holds mu.
func (s *Slack) subscribed(c Channel) bool {
	name := "message.channels"
	switch slackChannelType(c) {
	case "im":
		name = "message.im"
	case "group":
		name = "message.groups"
	}
	return s.events[name] && !s.deafTo(c.ID)
}
