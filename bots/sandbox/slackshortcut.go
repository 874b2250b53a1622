package sandbox

import "fmt"

// SlackShortcut is an entry that the app has put into Slack's menus.
type SlackShortcut struct {
	CallbackID string `json:"callback_id"`
	Name       string `json:"name"`
	// Message says that it stands in the menu of each message, instead of that of
	// the workspace.
	Message bool `json:"message,omitempty"`
}

// SlackCommand is something that may be written after /bobbin.
type SlackCommand struct {
	Name     string `json:"name"`
	Summary  string `json:"summary"`
	Argument bool   `json:"argument,omitempty"` // something may follow
}

// Shortcut lets a person use a shortcut of the workspace's menu. It returns once the app
// has acked; an error wraps ErrSlackDispatch or ErrSlackTimeout.
func (s *Slack) Shortcut(user, callbackID string) error {
	u, ok := s.world.User(user)
	if !ok || u.Bot || u.Deleted {
		return fmt.Errorf("shortcut %s: no person %q", callbackID, user)
	}
	s.mu.Lock()
	p := s.interaction("shortcut", u)
	p["callback_id"], p["action_ts"], p["trigger_id"] = callbackID, s.newTS(), s.newTrigger(u, nil)
	s.mu.Unlock()
	if _, err := s.interact("", slackJSON(p)); err != nil {
		return fmt.Errorf("shortcut %s: %w", callbackID, err)
	}
	return nil
}

// MessageShortcut lets a person use a shortcut of a message's menu, which works in
// channels that the app is not in as well. It returns as Shortcut does.
func (s *Slack) MessageShortcut(user, channel, ts, callbackID string) error {
	s.mu.Lock()
	at, err := s.spot(user, channel, ts)
	if err == nil && (at.message == nil || at.message.OnlyFor != "") {
		err = fmt.Errorf("it has no menu")
	}
	var p map[string]any
	if err == nil {
		p = s.interaction("message_action", at.user)
		p["callback_id"], p["action_ts"], p["message_ts"] = callbackID, s.newTS(), ts
		p["channel"], p["message"] = slackPlaceOf(at.channel), s.show(*at.message)
		p["response_url"], p["trigger_id"], _ = s.newResponse(at.channel, at.user, "")
	}
	s.mu.Unlock()
	if err == nil {
		_, err = s.interact(channel, slackJSON(p))
	}
	if err != nil {
		return fmt.Errorf("shortcut %s: %w", callbackID, err)
	}
	return nil
}
