package sandbox

import (
	"crypto/rand"
	"embed"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
)

//go:embed page
var pageAssets embed.FS

// PageOptions says what a page shows.
type PageOptions struct {
	// Slack and Discord are what the two panes show. Both are needed.
	Slack   *Slack
	Discord *Discord
	// Model says who answers, in the words that the page shows: "a stand-in model",
	// "@cf/zai-org/glm-4.7-flash". Real says that it is a real model.
	Model string
	Real  bool
	// Notice is a sentence for people to read before they try, such as where the
	// data of this demo is kept. It may be empty.
	Notice string
	// Hosts are names, without port, under which the page may be called besides
	// loopback's and the address it listens at.
	Hosts []string
}

// Page is a web page on which a person is a user of both stand-ins: they pick whom to
// be and where to write, and watch messages appear and change. Its HTTP API is for
// that page alone, and refuses to be driven by any other.
type Page struct {
	o      PageOptions
	assets fs.FS
	run    string // tells a page that was loaded from another run of the program
	cross  *http.CrossOriginProtection
	closed chan struct{}
	close  sync.Once
}

// NewPage returns a page for two stand-ins.
func NewPage(o PageOptions) *Page {
	assets, err := fs.Sub(pageAssets, "page")
	if err != nil { // only for a path that is not valid, and this one is
		panic(err)
	}
	return &Page{
		o:      o,
		assets: assets,
		run:    rand.Text(),
		cross:  http.NewCrossOriginProtection(),
		closed: make(chan struct{}),
	}
}

// Close ends the feeds, which would otherwise last as long as their readers want and
// hold up a graceful shutdown: give it to [http.Server.RegisterOnShutdown].
func (p *Page) Close() { p.close.Do(func() { close(p.closed) }) }

// Handler serves the page at / and its API below /api/.
func (p *Page) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(p.assets))
	mux.HandleFunc("GET /api/state", p.serveState)
	mux.HandleFunc("GET /api/feed", p.serveFeed)
	mux.HandleFunc("GET /api/discord/commands", p.serveDiscordCommands)
	mux.HandleFunc("GET /api/slack/files/{id}", p.serveSlackFile)
	mux.HandleFunc("POST /api/slack/say", pageCallWithin(pageUpload, p.slackSay))
	for name, call := range map[string]func(pageRequest) (pageReply, error){
		"command": p.slackCommand, "dm": p.slackDM, "assistant": p.slackAssistant, "look": p.slackLook, "home": p.slackHome,
		"press": p.slackPress, "choose": p.slackChoose, "suggest": p.slackSuggest, "submit": p.slackSubmit, "close": p.slackClose,
		"shortcut": p.slackShortcut, "stop": p.slackStop, "react": p.slackReact, "unreact": p.slackUnreact,
		"edit": p.slackEdit, "delete": p.slackDelete,
	} {
		mux.HandleFunc("POST /api/slack/"+name, pageCall(call))
	}
	mux.HandleFunc("GET /api/discord/attachments/{channel}/{attachment}/{name}", p.serveDiscordFile)
	mux.HandleFunc("POST /api/discord/say", pageCallWithin(pageUpload, p.discordSay))
	mux.HandleFunc("POST /api/discord/command", pageCallWithin(pageUpload, p.discordCommand))
	mux.HandleFunc("POST /api/discord/suggest", pageCall(p.discordSuggest))
	mux.HandleFunc("POST /api/discord/press", pageCall(p.discordPress))
	mux.HandleFunc("POST /api/discord/choose", pageCall(p.discordChoose))
	mux.HandleFunc("POST /api/discord/menu", pageCall(p.discordMenu))
	mux.HandleFunc("POST /api/discord/submit", pageCall(p.discordSubmit))
	mux.HandleFunc("POST /api/discord/close", pageCall(p.discordCloseModal))
	mux.HandleFunc("POST /api/discord/react", pageCall(p.discordReact))
	mux.HandleFunc("POST /api/discord/unreact", pageCall(p.discordUnreact))
	mux.HandleFunc("POST /api/discord/edit", pageCall(p.discordEdit))
	mux.HandleFunc("POST /api/discord/delete", pageCall(p.discordDelete))
	mux.HandleFunc("POST /api/discord/dm", pageCall(p.discordDM))
	mux.HandleFunc("POST /api/discord/thread", pageCall(p.discordThread))
	return p.guard(mux)
}

// pagePolicy lets the page run nothing but its own files, and make no element out of
// text: what a model or a user wrote cannot become a script, whatever the page's own
// code does with it.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// guard answers only callers that reach the page under its own name and, where a
// browser says on whose behalf it asks, only the page itself. The first keeps out
// names that were pointed here by DNS, the second other sites.
func (p *Page) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", pagePolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		h.Set("Cache-Control", "no-cache")
		switch {
		case !p.knowsHost(r):
			pageFail(w, http.StatusMisdirectedRequest, "this page is not served under that host name")
		case !pageSameOrigin(r) || p.cross.Check(r) != nil:
			pageFail(w, http.StatusForbidden, "only the page itself may call this")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// knowsHost reports whether r is addressed to loopback, to the address that it
// arrived at, or to a name of the options.
func (p *Page) knowsHost(r *http.Request) bool {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		if ip.IsLoopback() {
			return true
		}
		if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
			if at, err := netip.ParseAddrPort(local.String()); err == nil && at.Addr().Unmap() == ip.Unmap() {
				return true
			}
		}
	}
	for _, name := range p.o.Hosts {
		if strings.EqualFold(name, host) {
			return true
		}
	}
	return false
}

// pageSameOrigin reports whether r names no origin, or that of the page. An Origin
// is checked on reads too, since the feed is one.
func pageSameOrigin(r *http.Request) bool {
	origins := r.Header.Values("Origin")
	if len(origins) == 0 {
		return true
	}
	u, err := url.Parse(origins[0])
	return len(origins) == 1 && err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}
