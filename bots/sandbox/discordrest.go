package sandbox

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// discordBodyLimit is the largest request, as documented.
const discordBodyLimit = 25 << 20

// discordCall is one request of the bot, read whole.
type discordCall struct {
	*http.Request
	route   string
	version int    // of the API
	body    []byte // the JSON
	files   []discordAttachment
}

// into decodes the JSON body.
func (c *discordCall) into(v any) *discordAnswer {
	if len(c.body) == 0 {
		c.body = []byte("{}")
	}
	if err := json.Unmarshal(c.body, v); err != nil {
		if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return discordInvalid("_", "BASE_TYPE_BAD", err.Error())
		}
		return discordFail(http.StatusBadRequest, 50109, "The request body contains invalid JSON.")
	}
	return nil
}

// discordAnswer is what a call gives. Without a body it is a 204.
type discordAnswer struct {
	status int
	header http.Header
	body   any
	raw    []byte // instead of body
}

func discordOK(body any) *discordAnswer { return &discordAnswer{status: http.StatusOK, body: body} }

func discordNothing() *discordAnswer { return &discordAnswer{status: http.StatusNoContent} }

func discordFail(status, code int, message string) *discordAnswer {
	return &discordAnswer{status: status, body: discordWire{"message": message, "code": code}}
}

// discordInvalid is how Discord says that a field of a body is wrong. The parts of its
// path are set apart by dots.
func discordInvalid(field, code, message string) *discordAnswer {
	at := discordWire{"_errors": []any{discordWire{"code": code, "message": message}}}
	parts := strings.Split(field, ".")
	for _, part := range slices.Backward(parts) {
		at = discordWire{part: at}
	}
	return &discordAnswer{status: http.StatusBadRequest, body: discordWire{
		"message": "Invalid Form Body", "code": 50035, "errors": at,
	}}
}

// The errors that many calls share.
func discordUnknownChannel() *discordAnswer {
	return discordFail(http.StatusNotFound, 10003, "Unknown Channel")
}

func discordUnknownMessage() *discordAnswer {
	return discordFail(http.StatusNotFound, 10008, "Unknown Message")
}

func discordUnknownWebhook() *discordAnswer {
	return discordFail(http.StatusNotFound, 10015, "Unknown Webhook")
}

// discordRoute is one call of the API. do runs with mu held.
type discordRoute struct {
	pattern string
	do      func(*discordCall) *discordAnswer
	open    bool // needs no token
	kind    discordLimitKind
}

func (d *Discord) routes() http.Handler {
	api := http.NewServeMux()
	for _, r := range []discordRoute{
		{"GET /gateway", d.getGateway, true, 0},
		{"GET /gateway/bot", d.getGatewayBot, false, 0},
		{"GET /users/{user}", d.getUser, false, 0},
		{"GET /users/@me/guilds", d.getGuilds, false, 0},
		{"POST /users/@me/channels", d.postDM, false, 0},
		{"GET /oauth2/applications/@me", d.getApplication, false, 0},
		{"GET /applications/@me", d.getApplication, false, 0},
		{"GET /guilds/{guild}", d.getGuild, false, 0},
		{"GET /guilds/{guild}/channels", d.getGuildChannels, false, 0},
		{"GET /guilds/{guild}/threads/active", d.getActiveThreads, false, 0},
		{"GET /guilds/{guild}/members/{user}", d.getMember, false, 0},
		{"GET /channels/{channel}", d.getChannel, false, 0},
		{"POST /channels/{channel}/typing", d.postTyping, false, 0},
		{"GET /channels/{channel}/messages", d.getMessages, false, 0},
		{"POST /channels/{channel}/messages", d.postMessage, false, discordSendLimit},
		{"GET /channels/{channel}/messages/{message}", d.getMessage, false, 0},
		{"PATCH /channels/{channel}/messages/{message}", d.patchMessage, false, discordEditLimit},
		{"DELETE /channels/{channel}/messages/{message}", d.deleteMessage, false, 0},
		{"GET /channels/{channel}/messages/{message}/reactions/{emoji}", d.getReactions, false, 0},
		{"PUT /channels/{channel}/messages/{message}/reactions/{emoji}/@me", d.putReaction, false, 0},
		{"DELETE /channels/{channel}/messages/{message}/reactions/{emoji}/{user}", d.deleteReaction, false, 0},
		{"PATCH /channels/{channel}", d.patchChannel, false, 0},
		{"GET /channels/{channel}/thread-members", d.getThreadMembers, false, 0},
		{"PUT /channels/{channel}/thread-members/{user}", d.putThreadMember, false, 0},
		{"DELETE /channels/{channel}/thread-members/{user}", d.deleteThreadMember, false, 0},
		{"POST /channels/{channel}/messages/{message}/threads", d.postThread, false, 0},
		{"POST /channels/{channel}/threads", d.postThread, false, 0},
		{"GET /applications/{application}/commands", d.getCommands, false, 0},
		{"PUT /applications/{application}/commands", d.putCommands, false, 0},
		{"POST /applications/{application}/commands", d.postCommand, false, 0},
		{"GET /applications/{application}/guilds/{guild}/commands", d.getCommands, false, 0},
		{"PUT /applications/{application}/guilds/{guild}/commands", d.putCommands, false, 0},
		{"POST /applications/{application}/guilds/{guild}/commands", d.postCommand, false, 0},
		{"DELETE /applications/{application}/commands/{command}", d.deleteCommand, false, 0},
		{"DELETE /applications/{application}/guilds/{guild}/commands/{command}", d.deleteCommand, false, 0},
		{"POST /interactions/{interaction}/{token}/callback", d.postCallback, true, discordNoLimit},
		{"POST /webhooks/{application}/{token}", d.postFollowup, true, discordSendLimit},
		{"GET /webhooks/{application}/{token}/messages/{message}", d.getResponse, true, discordNoLimit},
		{"PATCH /webhooks/{application}/{token}/messages/{message}", d.patchResponse, true, discordEditLimit},
		{"DELETE /webhooks/{application}/{token}/messages/{message}", d.deleteResponse, true, discordNoLimit},
	} {
		api.Handle(r.pattern, d.serve(r))
	}
	api.Handle("/", d.serve(discordRoute{pattern: "/", do: func(*discordCall) *discordAnswer {
		return discordFail(http.StatusNotFound, 0, "404: Not Found")
	}, open: true}))

	files := http.NewServeMux()
	files.HandleFunc(discordFileRoute, d.serveFile)
	files.Handle("/proxy/", http.StripPrefix("/proxy", files))
	version := regexp.MustCompile(`^(/api/v(9|10))/`)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch p := version.FindStringSubmatch(r.URL.Path); {
		case p != nil:
			r.SetPathValue("version", p[2])
			http.StripPrefix(p[1], api).ServeHTTP(w, r)
		case r.URL.Path == "/gateway" || r.URL.Path == "/gateway/":
			d.serveGateway(w, r)
		case strings.HasPrefix(r.URL.Path, "/api/"):
			discordWrite(w, discordFail(http.StatusBadRequest, 50041, "Invalid API version"))
		default:
			files.ServeHTTP(w, r)
		}
	})
}

// serve takes a call the whole way: read, authorise, limit, do, answer, with the
// faults that a test has armed.
func (d *Discord) serve(route discordRoute) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !d.enter() {
			http.Error(w, "closed", http.StatusServiceUnavailable)
			return
		}
		defer d.wg.Done()
		call := &discordCall{Request: r, route: route.pattern}
		call.version, _ = strconv.Atoi(r.PathValue("version")) // of digits only
		answer := call.read(w)
		if answer == nil && !route.open && r.Header.Get("Authorization") != "Bot "+d.o.Token {
			answer = discordFail(http.StatusUnauthorized, 0, "401: Unauthorized")
		}
		d.mu.Lock()
		d.calls[route.pattern]++
		d.host = r.Host
		fault := d.strike(route.pattern, r)
		d.mu.Unlock()
		do := func() {
			if answer == nil {
				answer = d.do(route, call)
			}
		}
		if fault != nil && fault.Execute {
			do()
		}
		if fault != nil {
			d.wait(r, fault.Delay)
			if fault.Drop {
				panic(http.ErrAbortHandler) // the server ends the connection
			}
		}
		if fault != nil && fault.Status != 0 {
			answer = &discordAnswer{status: fault.Status, header: fault.Header, raw: []byte(fault.Body)}
		}
		do()
		discordWrite(w, answer)
	})
}

// do counts the call against the limits and, if they allow it, does it.
func (d *Discord) do(route discordRoute, call *discordCall) *discordAnswer {
	d.mu.Lock()
	defer d.mu.Unlock()
	refusal, header := d.limit(route, call.Request)
	if refusal != nil {
		return refusal
	}
	answer := route.do(call)
	if answer.header == nil {
		answer.header = header
	}
	return answer
}

// wait lasts for that long, or until the call or the stand-in ends.
func (d *Discord) wait(r *http.Request, long time.Duration) {
	if long <= 0 {
		return
	}
	t := time.NewTimer(long)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.Context().Done():
	case <-d.done:
	}
}

func discordWrite(w http.ResponseWriter, a *discordAnswer) {
	for k, v := range a.header {
		w.Header()[k] = v
	}
	body := a.raw
	if a.body != nil {
		w.Header().Set("Content-Type", "application/json")
		body = discordJSON(a.body)
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(body) // a client that went away has no use for the error
}

// read takes in the body: JSON, or a form with the JSON and files.
func (c *discordCall) read(w http.ResponseWriter) *discordAnswer {
	body := http.MaxBytesReader(w, c.Body, discordBodyLimit)
	media, params, _ := mime.ParseMediaType(c.Header.Get("Content-Type"))
	var err error
	if media == "multipart/form-data" {
		err = c.readForm(multipart.NewReader(body, params["boundary"]))
	} else {
		c.body, err = io.ReadAll(body)
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return discordFail(http.StatusRequestEntityTooLarge, 40005, "Request entity too large")
	}
	if err != nil {
		return discordFail(http.StatusBadRequest, 50109, "The request body cannot be read.")
	}
	return nil
}

func (c *discordCall) readForm(form *multipart.Reader) error {
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if part.FormName() == "payload_json" {
			if c.body, err = io.ReadAll(part); err != nil {
				return err
			}
			continue
		}
		if err := c.readFile(part.FormName(), part.FileName(), part.Header.Get("Content-Type"), part); err != nil {
			return err
		}
	}
}
