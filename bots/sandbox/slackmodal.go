package sandbox

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// SlackView is a modal or a home as a person sees it.
type SlackView struct {
	ID, CallbackID, Title string
	Blocks                string // as JSON
}

// SlackFormError says what is wrong with what a person has put in, by block_id.
type SlackFormError struct{ Blocks map[string]string }

func (e *SlackFormError) Error() string {
	var words []string
	for _, block := range slices.Sorted(maps.Keys(e.Blocks)) {
		words = append(words, block+": "+e.Blocks[block])
	}
	return "the form is not accepted: " + strings.Join(words, "; ")
}

// Modal returns the modal that is open before a person, the top one if there are more.
func (s *Slack) Modal(user string) (SlackView, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stack := s.modals[user]
	if len(stack) == 0 {
		return SlackView{}, false
	}
	return stack[len(stack)-1].seen(), true
}

func (v *slackView) seen() SlackView {
	title, _ := v.title.(map[string]any)
	return SlackView{ID: v.id, CallbackID: v.callbackID, Title: slackString(title, "text"), Blocks: string(slackJSON(v.blocks))}
}

// Submit lets a person fill in the modal before them and submit it. The fields are by
// action_id; several choices in one stand on lines of their own. What Slack or the app
// finds wrong comes back as a *SlackFormError, and the modal stays; other errors are as
// those of Press.
func (s *Slack) Submit(user string, fields map[string]string) error {
	s.mu.Lock()
	v, payload, err := s.submitted(user, fields)
	s.mu.Unlock()
	if err != nil {
		return fmt.Errorf("submit: %w", err)
	}
	raw, err := s.interact("", payload)
	if err != nil {
		return fmt.Errorf("submit: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.answerSubmission(v, raw); err != nil {
		return fmt.Errorf("submit: %w", err)
	}
	return nil
}

// submitted fills the modal in and returns the view_submission. The caller holds mu.
func (s *Slack) submitted(user string, fields map[string]string) (*slackView, json.RawMessage, error) {
	stack := s.modals[user]
	u, ok := s.world.User(user)
	if len(stack) == 0 || !ok {
		return nil, nil, fmt.Errorf("no modal is open before %q", user)
	}
	v := stack[len(stack)-1]
	if v.submitText == nil {
		return nil, nil, fmt.Errorf("the modal has nothing to submit")
	}
	for _, action := range slices.Sorted(maps.Keys(fields)) {
		e, ok := slackFind(v.blocks, action)
		if !ok {
			return nil, nil, fmt.Errorf("the modal has no field %q", action)
		}
		values := []string{fields[action]}
		if strings.HasPrefix(e.kind(), "multi_") || e.kind() == "checkboxes" {
			values = strings.FieldsFunc(fields[action], func(r rune) bool { return r == '\n' })
		}
		chosen, err := slackChoice(e, values, v.offered[e.id()])
		if err != nil {
			return nil, nil, fmt.Errorf("field %q: %w", action, err)
		}
		v.state.set(e, chosen)
	}
	if wrong := v.incomplete(); len(wrong) > 0 {
		v.errors = wrong
		s.showView(v)
		return nil, nil, &SlackFormError{wrong}
	}
	p := s.interaction("view_submission", u)
	p["view"], p["trigger_id"], p["response_urls"] = s.viewShown(v), s.newTrigger(u, v), []any{}
	return v, slackJSON(p), nil
}

// incomplete returns what Slack itself finds missing, by block_id.
func (v *slackView) incomplete() map[string]string {
	wrong := make(map[string]string)
	for _, e := range slackElements(v.blocks) {
		if e.block["type"] != "input" {
			continue
		}
		held := v.state[e.blockID()][e.id()]
		empty := true
		for name, value := range held {
			if n := string(slackJSON(value)); name != "type" && n != "null" && n != `""` && n != "[]" {
				empty = false
			}
		}
		text := slackString(held, "value")
		if least, ok := e.values["min_length"].(float64); ok && !empty && utf8.RuneCountInString(text) < int(least) {
			wrong[e.blockID()] = fmt.Sprintf("At least %d characters are needed.", int(least))
		}
		if most, ok := e.values["max_length"].(float64); ok && utf8.RuneCountInString(text) > int(most) {
			wrong[e.blockID()] = fmt.Sprintf("At most %d characters are allowed.", int(most))
		}
		if empty && e.block["optional"] != true {
			wrong[e.blockID()] = "This is a required field."
		}
	}
	return wrong
}

// answerSubmission does what the app's ack of a submission says. The caller holds mu.
func (s *Slack) answerSubmission(v *slackView, raw json.RawMessage) error {
	var a struct {
		Action string            `json:"response_action"`
		View   json.RawMessage   `json:"view"`
		Errors map[string]string `json:"errors"`
	}
	if len(strings.TrimSpace(string(raw))) > 0 && json.Unmarshal(raw, &a) != nil {
		return fmt.Errorf("the ack cannot be read: %w", ErrSlackDispatch)
	}
	v.errors = nil
	if !slices.Contains(s.modals[v.user], v) {
		return nil // the person has closed it meanwhile
	}
	switch a.Action {
	case "":
		s.popModal(v.user)
	case "clear":
		s.closeModals(v.user)
	case "errors":
		for block := range a.Errors {
			if !slices.ContainsFunc(v.blocks, func(b map[string]any) bool { return b["type"] == "input" && b["block_id"] == block }) {
				return fmt.Errorf("the ack names %q, which is no input block: %w", block, ErrSlackDispatch)
			}
		}
		v.errors = a.Errors
		s.showView(v)
		return &SlackFormError{a.Errors}
	case "update", "push":
		next, code := s.readView(string(a.View), "modal")
		switch {
		case code != "":
			return fmt.Errorf("the ack's view: %s: %w", code, ErrSlackDispatch)
		case a.Action == "update":
			s.replaceView(v, next)
		case len(s.modals[v.user]) >= slackMaxStack:
			return fmt.Errorf("the ack pushes one modal too many: %w", ErrSlackDispatch)
		default:
			s.pushModal(next, v.user)
		}
	default:
		return fmt.Errorf("the ack's response_action is %q: %w", a.Action, ErrSlackDispatch)
	}
	return nil
}

// CloseModal lets a person close the modal before them; the one below it shows again.
// The app hears of it if it wants to.
func (s *Slack) CloseModal(user string) error {
	s.mu.Lock()
	stack := s.modals[user]
	u, _ := s.world.User(user)
	if len(stack) == 0 {
		s.mu.Unlock()
		return fmt.Errorf("close the modal: none is open before %q", user)
	}
	v := stack[len(stack)-1]
	p := s.interaction("view_closed", u)
	p["view"], p["is_cleared"] = s.viewShown(v), v.clearOnClose && len(stack) > 1
	if v.clearOnClose {
		s.closeModals(user)
	} else {
		s.popModal(user)
	}
	s.mu.Unlock()
	if !v.notify {
		return nil
	}
	if _, err := s.interact("", slackJSON(p)); err != nil {
		return fmt.Errorf("close the modal: %w", err)
	}
	return nil
}
