package sandbox

import "fmt"

// OpenHome lets a person open the app's home tab, and tells the app so. It returns what
// stands there, if the app has published anything yet.
func (s *Slack) OpenHome(user string) (SlackView, bool, error) {
	if err := s.openApp(user, "home"); err != nil {
		return SlackView{}, false, fmt.Errorf("open the home: %w", err)
	}
	v, ok := s.Home(user)
	return v, ok, nil
}

// Home returns what the app has published for a person.
func (s *Slack) Home(user string) (SlackView, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.homes[user]
	if v == nil {
		return SlackView{}, false
	}
	return v.seen(), true
}

// OpenMessages lets a person open the app's messages tab, which is the DM with it, and
// tells the app so. It returns the DM's channel.
func (s *Slack) OpenMessages(user string) (channel string, err error) {
	if err := s.openApp(user, "messages"); err != nil {
		return "", fmt.Errorf("open the messages: %w", err)
	}
	return s.OpenDM(user), nil
}

// openApp is a person's turning to the app.
func (s *Slack) openApp(user, tab string) error {
	u, ok := s.world.User(user)
	if !ok || u.Bot || u.Deleted {
		return fmt.Errorf("no person %q", user)
	}
	dm := s.OpenDM(user)
	s.mu.Lock()
	defer s.mu.Unlock()
	event := map[string]any{"type": "app_home_opened", "user": user, "channel": dm, "tab": tab, "event_ts": s.newTS()}
	if v := s.homes[user]; v != nil && tab == "home" {
		event["view"] = s.viewShown(v)
	}
	if s.events["app_context_changed"] {
		event["context"] = s.appContext(user)
	}
	s.deliverIf("app_home_opened", dm, event)
	return nil
}

// deliverIf delivers an event if the app subscribes to it. The caller holds mu.
func (s *Slack) deliverIf(name, channel string, event any) {
	if s.events[name] && !s.deafTo(channel) {
		s.deliverEvent(channel, event)
	}
}

// viewsPublish is views.publish.
func (s *Slack) viewsPublish(f slackForm) slackReply {
	u, ok := s.world.User(f.Get("user_id"))
	if !ok || u.Bot {
		return slackFail("invalid_arguments: no person user_id")
	}
	v, code := s.readView(f.Get("view"), "home")
	if code != "" {
		return slackFail(code)
	}
	old := s.homes[u.ID]
	if hash := f.Get("hash"); hash != "" && (old == nil || hash != old.hash) {
		return slackFail("hash_conflict")
	}
	if old != nil {
		s.replaceView(old, v)
	} else {
		s.stand(v, u.ID)
		v.root = v.id
		s.homes[u.ID], old = v, v
		s.showView(v)
	}
	return slackOK("view", s.viewShown(old))
}
