package sandbox

import (
	"crypto/rand"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

const (
	slackMaxViewBlocks = 100
	slackMaxViewTitle  = 24
	slackMaxPrivate    = 3_000
	slackMaxViewBytes  = 250_000
	slackMaxStack      = 3
	slackTriggerLife   = 3 * time.Second
)

// slackTrigger is a trigger_id that was given out.
type slackTrigger struct {
	user    string
	expires time.Time
	used    bool
	view    *slackView // the modal in which the person acted
}

// slackView is a modal or a home.
type slackView struct {
	id, user, kind           string
	hash                     string
	callbackID, externalID   string
	private                  string
	title, submitText, close any
	clearOnClose, notify     bool
	blocks                   []map[string]any
	state                    slackState
	offered                  map[string][]map[string]any
	root, previous           string
	errors                   map[string]string // what the last submission was told, by block_id
}

// newTrigger makes a trigger_id for what u did, in a view or not. The caller holds mu.
func (s *Slack) newTrigger(u User, in *slackView) string {
	now := time.Now()
	for id, t := range s.triggers {
		if now.Sub(t.expires) > time.Minute {
			delete(s.triggers, id)
		}
	}
	id := rand.Text()
	if in != nil && in.kind != "modal" {
		in = nil
	}
	s.triggers[id] = &slackTrigger{user: u.ID, expires: now.Add(slackTriggerLife), view: in}
	return id
}

// useTrigger returns who is behind a trigger_id that a call brings, or Slack's error.
func (s *Slack) useTrigger(id string) (*slackTrigger, string) {
	t := s.triggers[id]
	switch {
	case id == "":
		return nil, "invalid_arguments: trigger_id is missing"
	case t == nil:
		return nil, "invalid_trigger_id"
	case t.used:
		return nil, "exchanged_trigger_id"
	case time.Now().After(t.expires):
		return nil, "expired_trigger_id"
	}
	return t, ""
}

// readView reads the view of a call, or of an ack, and returns Slack's error.
func (s *Slack) readView(raw, kind string) (*slackView, string) {
	if len(raw) > slackMaxViewBytes {
		return nil, "view_too_large"
	}
	var in struct {
		Type            string          `json:"type"`
		Title           map[string]any  `json:"title"`
		Submit          map[string]any  `json:"submit"`
		Close           map[string]any  `json:"close"`
		Blocks          json.RawMessage `json:"blocks"`
		PrivateMetadata string          `json:"private_metadata"`
		CallbackID      string          `json:"callback_id"`
		ExternalID      string          `json:"external_id"`
		ClearOnClose    bool            `json:"clear_on_close"`
		NotifyOnClose   bool            `json:"notify_on_close"`
	}
	if raw == "" || json.Unmarshal([]byte(raw), &in) != nil {
		return nil, "invalid_arguments: the view cannot be read"
	}
	if in.Type != kind {
		return nil, "invalid_arguments: the view's type is " + in.Type
	}
	b := slackReadBlocks(string(in.Blocks), true)
	b.string("private_metadata", in.PrivateMetadata, 0, slackMaxPrivate)
	b.string("callback_id", in.CallbackID, 0, slackMaxID)
	b.string("external_id", in.ExternalID, 0, slackMaxID)
	if kind == "modal" {
		b.text("title", in.Title, "plain_text", slackMaxViewTitle)
		for name, text := range map[string]map[string]any{"submit": in.Submit, "close": in.Close} {
			if text != nil {
				b.text(name, text, "plain_text", slackMaxViewTitle)
			}
		}
		if in.Submit == nil && slices.ContainsFunc(b.list, func(block map[string]any) bool { return block["type"] == "input" }) {
			b.fail("submit is missing, and there are inputs")
		}
	}
	if b.code != "" {
		_, more, _ := strings.Cut(b.code, ": ")
		return nil, "invalid_arguments: " + more
	}
	b.name()
	v := &slackView{
		kind: kind, hash: rand.Text()[:10], callbackID: in.CallbackID, externalID: in.ExternalID,
		private: in.PrivateMetadata, blocks: b.list, clearOnClose: in.ClearOnClose, notify: in.NotifyOnClose,
		state: make(slackState), offered: make(map[string][]map[string]any),
	}
	if in.Title != nil {
		v.title = in.Title
	}
	if in.Submit != nil {
		v.submitText = in.Submit
	}
	if in.Close != nil {
		v.close = in.Close
	}
	v.prefill()
	return v, ""
}

// prefill puts in what the app has filled in.
func (v *slackView) prefill() {
	fields := map[string]string{
		"initial_option": "selected_option", "initial_options": "selected_options", "initial_value": "value",
		"initial_user": "selected_user", "initial_channel": "selected_channel", "initial_conversation": "selected_conversation",
		"initial_date": "selected_date", "initial_time": "selected_time",
	}
	for _, e := range slackElements(v.blocks) {
		for from, to := range fields {
			if value, has := e.values[from]; has {
				v.state.set(e, map[string]any{to: value})
			}
		}
	}
}

// stand gives a view its place before a person. The caller holds mu.
func (s *Slack) stand(v *slackView, user string) {
	v.id, v.user = "V"+rand.Text()[:10], user
	s.views[v.id] = v
}

// taken reports whether another view has v's external_id. The caller holds mu.
func (s *Slack) taken(v *slackView) bool {
	for _, o := range s.views {
		if v.externalID != "" && o.externalID == v.externalID && o.id != v.id {
			return true
		}
	}
	return false
}

func (s *Slack) viewsOpen(f slackForm) slackReply { return s.openView(f, false) }
func (s *Slack) viewsPush(f slackForm) slackReply { return s.openView(f, true) }

func (s *Slack) openView(f slackForm, push bool) slackReply {
	t, code := s.useTrigger(f.Get("trigger_id"))
	if code != "" {
		return slackFail(code)
	}
	v, code := s.readView(f.Get("view"), "modal")
	if code != "" {
		return slackFail(code)
	}
	if s.taken(v) {
		return slackFail("duplicate_external_id")
	}
	if push && (t.view == nil || !slices.Contains(s.modals[t.user], t.view)) {
		return slackFail("invalid_trigger_id: it does not come from an open modal")
	}
	if push && len(s.modals[t.user]) >= slackMaxStack {
		return slackFail("push_limit_reached")
	}
	t.used = true
	if push {
		s.pushModal(v, t.user)
	} else {
		s.closeModals(t.user)
		s.pushModal(v, t.user)
	}
	return slackOK("view", s.viewShown(v))
}

// pushModal puts v on top of what is open before user. The caller holds mu.
func (s *Slack) pushModal(v *slackView, user string) {
	s.stand(v, user)
	v.root = v.id
	if stack := s.modals[user]; len(stack) > 0 {
		v.root, v.previous = stack[0].id, stack[len(stack)-1].id
	}
	s.modals[user] = append(s.modals[user], v)
	s.showView(v)
}

// closeModals takes all modals away from user. The caller holds mu.
func (s *Slack) closeModals(user string) {
	for _, v := range s.modals[user] {
		delete(s.views, v.id)
	}
	delete(s.modals, user)
	s.world.Show(Surface{Kind: "modal", User: user})
}

// popModal takes the top modal away, and shows the one below. The caller holds mu.
func (s *Slack) popModal(user string) {
	stack := s.modals[user]
	if len(stack) < 2 {
		s.closeModals(user)
		return
	}
	delete(s.views, stack[len(stack)-1].id)
	s.modals[user] = stack[:len(stack)-1]
	s.showView(stack[len(stack)-2])
}

func (s *Slack) viewsUpdate(f slackForm) slackReply {
	old := s.views[f.Get("view_id")]
	if id := f.Get("external_id"); old == nil && id != "" {
		for _, v := range s.views {
			if v.externalID == id {
				old = v
			}
		}
	}
	if f.Get("view_id") == "" && f.Get("external_id") == "" {
		return slackFail("invalid_arguments: neither view_id nor external_id")
	}
	if old == nil || old.kind != "modal" {
		return slackFail("not_found")
	}
	v, code := s.readView(f.Get("view"), "modal")
	if code != "" {
		return slackFail(code)
	}
	if hash := f.Get("hash"); hash != "" && hash != old.hash {
		return slackFail("hash_conflict")
	}
	if v.id = old.id; s.taken(v) {
		return slackFail("duplicate_external_id")
	}
	s.replaceView(old, v)
	return slackOK("view", s.viewShown(old))
}

// replaceView shows v where old stands: what the person put into an element that both
// have stays. The caller holds mu.
func (s *Slack) replaceView(old, v *slackView) {
	v.id, v.user, v.root, v.previous = old.id, old.user, old.root, old.previous
	for _, e := range slackElements(v.blocks) {
		if held := old.state[e.blockID()][e.id()]; held != nil {
			v.state.set(e, held)
		}
	}
	*old = *v
	s.showView(old)
}

// showView lets the person see v, if it is the one on top.
func (s *Slack) showView(v *slackView) {
	if v.kind == "modal" {
		if stack := s.modals[v.user]; len(stack) == 0 || stack[len(stack)-1] != v {
			return
		}
	}
	shown := s.viewShown(v)
	if len(v.errors) > 0 {
		shown["errors"] = v.errors
	}
	s.world.Show(Surface{Kind: v.kind, User: v.user, Data: slackJSON(shown)})
}

// viewShown returns v as Slack shows it to the app.
func (s *Slack) viewShown(v *slackView) map[string]any {
	blocks := v.blocks
	if blocks == nil {
		blocks = []map[string]any{}
	}
	return map[string]any{
		"id": v.id, "team_id": s.o.TeamID, "type": v.kind, "blocks": blocks, "private_metadata": v.private,
		"callback_id": v.callbackID, "external_id": v.externalID, "hash": v.hash,
		"title": v.title, "submit": v.submitText, "close": v.close,
		"clear_on_close": v.clearOnClose, "notify_on_close": v.notify,
		"state": map[string]any{"values": v.state}, "root_view_id": v.root, "previous_view_id": v.previous,
		"app_id": s.o.AppID, "bot_id": s.o.BotID, "app_installed_team_id": s.o.TeamID,
	}
}
