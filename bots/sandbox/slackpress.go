package sandbox

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Press lets a person press the button with that action_id on a message. It returns
// once the app has acked; an error wraps ErrSlackDispatch or ErrSlackTimeout.
func (s *Slack) Press(user, channel, ts, action string) error {
	s.mu.Lock()
	payload, err := s.pressed(user, channel, ts, action)
	url := s.o.InteractionsURL
	s.mu.Unlock()
	if err != nil {
		return fmt.Errorf("press %s: %w", action, err)
	}
	if url != "" {
		_, err = s.askOverHTTP(url, map[string]string{"payload": string(payload)})
	} else {
		_, err = s.askOverSocket("interactive", channel, payload)
	}
	if err != nil {
		return fmt.Errorf("press %s: %w", action, err)
	}
	return nil
}

// pressed returns the block_actions payload. The caller holds mu.
func (s *Slack) pressed(user, channel, ts, action string) (json.RawMessage, error) {
	u, ok := s.world.User(user)
	if !ok {
		return nil, fmt.Errorf("no user %q", user)
	}
	m, ok := s.world.Message(channel, ts)
	if !ok {
		return nil, fmt.Errorf("no message %s in %q", ts, channel)
	}
	var blocks any
	if m.Blocks != "" {
		if err := json.Unmarshal([]byte(m.Blocks), &blocks); err != nil {
			return nil, fmt.Errorf("read the blocks of %s: %w", ts, err)
		}
	}
	button := slackFindAction(blocks, "", action)
	if button == nil {
		return nil, fmt.Errorf("message %s has no such button", ts)
	}
	button["action_ts"] = s.newTS()
	c, _ := s.world.Channel(channel)
	responseURL, trigger, _ := s.newResponse(c, u, ts)
	return slackJSON(map[string]any{
		"type": "block_actions", "token": "verification token", "api_app_id": s.o.AppID,
		"team":    map[string]any{"id": s.o.TeamID, "domain": "sandbox"},
		"user":    map[string]any{"id": u.ID, "username": strings.ToLower(u.Name), "name": strings.ToLower(u.Name), "team_id": s.o.TeamID},
		"channel": map[string]any{"id": c.ID, "name": c.Name},
		"container": map[string]any{
			"type": "message", "message_ts": ts, "channel_id": c.ID, "thread_ts": m.Thread, "is_ephemeral": m.OnlyFor != "",
		},
		"message": s.show(m), "actions": []any{button},
		"response_url": responseURL, "trigger_id": trigger,
	}), nil
}

// slackFindAction returns a copy of the element with that action_id, with the block_id
// that it stands in.
func slackFindAction(v any, block, action string) map[string]any {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			if found := slackFindAction(e, block, action); found != nil {
				return found
			}
		}
	case map[string]any:
		if id, ok := v["block_id"].(string); ok {
			block = id
		}
		if v["action_id"] == action {
			v["block_id"] = block
			return v
		}
		for _, name := range []string{"elements", "accessory", "element"} {
			if found := slackFindAction(v[name], block, action); found != nil {
				return found
			}
		}
	}
	return nil
}
