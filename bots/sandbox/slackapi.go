package sandbox

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"maps"
	"math"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	slackMaxBody    = 4 << 20
	slackMaxMethods = 1000 // unknown methods that are counted
)

// slackForm are the arguments of a call, without the token.
type slackForm = url.Values

// slackReply is the answer to a call.
type slackReply map[string]any

func slackOK(kv ...any) slackReply {
	r := slackReply{"ok": true}
	for i := 0; i+1 < len(kv); i += 2 {
		name, _ := kv[i].(string)
		r[name] = kv[i+1]
	}
	return r
}

// slackFail is an error's answer. What follows the code after a colon says more, for
// people.
func slackFail(code string) slackReply {
	code, more, said := strings.Cut(code, ": ")
	r := slackReply{"ok": false, "error": code}
	if said {
		r["response_metadata"] = map[string]any{"messages": []string{"[ERROR] " + more}}
	}
	return r
}

// slackMethods are the methods of the Web API that the stand-in knows. They are
// called with mu held.
var slackMethods = map[string]func(*Slack, slackForm) slackReply{
	"api.test":                              (*Slack).apiTest,
	"auth.test":                             (*Slack).authTest,
	"apps.connections.open":                 (*Slack).openSocket,
	"agents.sessions.rename":                (*Slack).renameSession,
	"agents.sessions.setStatus":             (*Slack).setSession,
	"assistant.threads.setStatus":           (*Slack).setStatus,
	"assistant.threads.setSuggestedPrompts": (*Slack).setSuggestedPrompts,
	"assistant.threads.setTitle":            (*Slack).setTitle,
	"chat.appendStream":                     (*Slack).appendStream,
	"chat.delete":                           (*Slack).chatDelete,
	"chat.getPermalink":                     (*Slack).getPermalink,
	"chat.postEphemeral":                    (*Slack).chatPostEphemeral,
	"chat.postMessage":                      (*Slack).chatPostMessage,
	"chat.startStream":                      (*Slack).startStream,
	"chat.stopStream":                       (*Slack).stopStream,
	"chat.update":                           (*Slack).chatUpdate,
	"conversations.history":                 (*Slack).conversationsHistory,
	"conversations.info":                    (*Slack).conversationsInfo,
	"conversations.list":                    (*Slack).conversationsList,
	"conversations.members":                 (*Slack).conversationsMembers,
	"conversations.open":                    (*Slack).conversationsOpen,
	"conversations.replies":                 (*Slack).conversationsReplies,
	"files.completeUploadExternal":          (*Slack).completeUpload,
	"files.delete":                          (*Slack).filesDelete,
	"files.getUploadURLExternal":            (*Slack).getUploadURL,
	"files.info":                            (*Slack).filesInfo,
	"reactions.add":                         (*Slack).reactionsAdd,
	"reactions.get":                         (*Slack).reactionsGet,
	"reactions.remove":                      (*Slack).reactionsRemove,
	"users.conversations":                   (*Slack).conversationsList,
	"users.info":                            (*Slack).usersInfo,
	"users.list":                            (*Slack).usersList,
	"views.open":                            (*Slack).viewsOpen,
	"views.publish":                         (*Slack).viewsPublish,
	"views.push":                            (*Slack).viewsPush,
	"views.update":                          (*Slack).viewsUpdate,
}

// serveAPI answers one call of the Web API.
func (s *Slack) serveAPI(w http.ResponseWriter, r *http.Request) {
	method := r.PathValue("method")
	s.note(r)
	form, token, err := slackArguments(w, r)
	fault := s.received(method, form)
	if fault != nil {
		if !s.sleep(r.Context(), fault.Delay) {
			panic(http.ErrAbortHandler)
		}
		if fault.fails() && !fault.Execute {
			fault.answer(w)
			return
		}
	}
	status, header, reply := http.StatusOK, http.Header{}, slackReply(nil)
	if err != "" {
		reply = slackFail(err)
	} else {
		status, header, reply = s.call(method, token, form)
	}
	if fault.fails() {
		fault.answer(w)
		return
	}
	maps.Copy(w.Header(), header)
	slackWriteJSON(w, status, reply)
}

// received counts a call and asks for the fault that befalls it.
func (s *Slack) received(method string, form slackForm) *SlackFault {
	s.mu.Lock()
	if _, counted := s.calls[method]; counted || slackMethods[method] != nil || len(s.calls) < slackMaxMethods {
		s.calls[method]++
	}
	fault := s.fault
	s.mu.Unlock()
	if fault == nil {
		return nil
	}
	return fault(method, form)
}

// call carries out one call.
func (s *Slack) call(method, token string, form slackForm) (int, http.Header, slackReply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	run := slackMethods[method]
	if run == nil {
		return http.StatusOK, nil, slackFail("unknown_method")
	}
	if code := s.refused(method, token); code != "" {
		return http.StatusOK, nil, slackFail(code)
	}
	channel := form.Get("channel")
	if !s.o.NoLimits {
		scope := ""
		if _, ok := s.world.Channel(channel); ok {
			scope = channel
		}
		if wait := s.rates.wait(method, scope); wait > 0 {
			s.limited[method]++
			seconds := int(math.Ceil(wait.Seconds()))
			return http.StatusTooManyRequests, http.Header{"Retry-After": {strconv.Itoa(seconds)}}, slackFail("ratelimited")
		}
	}
	if code := s.forbidden[channel]; code != "" && channel != "" {
		return http.StatusOK, nil, slackFail(code)
	}
	return http.StatusOK, nil, run(s, form)
}

// refused returns the error for a token that may not call method.
func (s *Slack) refused(method, token string) string {
	wants, other := s.o.BotToken, s.o.AppToken
	if method == "apps.connections.open" {
		wants, other = other, wants
	}
	switch token {
	case wants:
		return ""
	case "":
		return "not_authed"
	case other:
		return "not_allowed_token_type"
	default:
		return "invalid_auth"
	}
}

// Calls returns how often a method was called, whatever came of it.
func (s *Slack) Calls(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[method]
}

// Limited returns how many calls of a method were answered with 429 by its rate limit.
func (s *Slack) Limited(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.limited[method]
}

// Unknown returns the methods that were called and that the stand-in does not know.
func (s *Slack) Unknown() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for _, name := range slices.Sorted(maps.Keys(s.calls)) {
		if slackMethods[name] == nil {
			names = append(names, name)
		}
	}
	return names
}

// slackArguments reads the arguments and the token of a call: from a query, a form or
// a JSON object. It returns Slack's error for a body that cannot be read.
func slackArguments(w http.ResponseWriter, r *http.Request) (form slackForm, token, code string) {
	token, _ = strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	kind, _, err := mime.ParseMediaType(cmp.Or(r.Header.Get("Content-Type"), "application/octet-stream"))
	switch {
	case kind == "application/json":
		form, code = slackJSONForm(w, r)
	case !slices.Contains([]string{http.MethodPost, http.MethodPut, http.MethodPatch}, r.Method):
		form, code = slackFormData("", r.URL.RawQuery)
	case err != nil:
		form, code = slackForm{}, "invalid_form_data"
	case kind == "application/x-www-form-urlencoded":
		var raw []byte
		if raw, err = slackBody(w, r); err != nil {
			return slackForm{}, token, "invalid_form_data"
		}
		form, code = slackFormData(string(raw), r.URL.RawQuery)
	default:
		form, code = slackFormData("", r.URL.RawQuery)
	}
	if t := form.Get("token"); t != "" {
		token = t
	}
	form.Del("token")
	return form, token, code
}

// slackBody reads the body of a call.
func slackBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	var b bytes.Buffer
	if r.ContentLength > 0 && r.ContentLength <= slackMaxBody {
		b.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	_, err := b.ReadFrom(http.MaxBytesReader(w, r.Body, slackMaxBody))
	return b.Bytes(), err
}

// slackFormData reads the fields of a form and of the query, without the copies that
// [http.Request.ParseForm] makes.
func slackFormData(body, query string) (slackForm, string) {
	if query != "" {
		body += "&" + query
	}
	form, err := url.ParseQuery(body)
	if err != nil {
		return slackForm{}, "invalid_form_data"
	}
	return form, ""
}

// slackJSONForm reads a JSON object as if it were a form.
func slackJSONForm(w http.ResponseWriter, r *http.Request) (slackForm, string) {
	form := slackForm{}
	raw, err := slackBody(w, r)
	if err != nil {
		return form, "request_timeout"
	}
	var fields map[string]json.RawMessage
	if len(raw) == 0 {
		return form, ""
	}
	if err := json.Unmarshal(raw, &fields); err != nil {
		return form, "invalid_json"
	}
	for name, value := range fields {
		text := string(value)
		if text == "null" {
			continue
		}
		if text[0] == '"' && json.Unmarshal(value, &text) != nil {
			return form, "invalid_json"
		}
		form.Set(name, text)
	}
	return form, ""
}

// slackWriteJSON says how long the answer is, so that it goes out in one piece.
func slackWriteJSON(w http.ResponseWriter, status int, v any) {
	body := slackJSON(v)
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the caller has gone: nothing is left to tell it
}

// SlackFault is what goes wrong with a call. With neither Status nor Drop set, the
// call is only delayed.
type SlackFault struct {
	Delay   time.Duration // before all else
	Execute bool          // the call is carried out, and only its answer is not as it should be
	Drop    bool          // the connection breaks instead of an answer
	Status  int           // answered with Header and Body
	Header  http.Header
	Body    string
}

// Fault asks f about every call from now on; nil from it lets the call pass, and a
// nil f ends all faults. The form holds the arguments without the token.
func (s *Slack) Fault(f func(method string, form url.Values) *SlackFault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

func (f *SlackFault) fails() bool { return f != nil && (f.Drop || f.Status != 0) }

func (f *SlackFault) answer(w http.ResponseWriter) {
	if f.Drop {
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), f.Header)
	w.WriteHeader(f.Status)
	_, _ = io.WriteString(w, f.Body) //nolint:gosec // the body is the test's own; a lost write is told to nobody
}
