package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// pageState is all that the page shows. From is where its feed goes on.
type pageState struct {
	From    string    `json:"from"`
	Model   string    `json:"model"`
	Real    bool      `json:"real"`
	Notice  string    `json:"notice,omitempty"`
	Slack   pageWorld `json:"slack"`
	Discord pageWorld `json:"discord"`
}

// pageWorld is what people see in one stand-in.
type pageWorld struct {
	Name     string               `json:"name"`
	Users    []User               `json:"users"`
	Channels []Channel            `json:"channels"`
	Messages map[string][]Message `json:"messages"` // by channel
	Surfaces []Surface            `json:"surfaces,omitempty"`
	// Agent is how the app is declared to Slack, Shortcuts what it has put into menus.
	Agent     string          `json:"agent,omitempty"`
	Shortcuts []SlackShortcut `json:"shortcuts,omitempty"`
	Commands  []SlackCommand  `json:"commands,omitempty"` // Slack: what may be written after /bobbin
}

// pageCursor is a place in both feeds of one run of the program.
type pageCursor struct {
	run            string
	slack, discord int
}

func (c pageCursor) String() string { return fmt.Sprintf("%s.%d.%d", c.run, c.slack, c.discord) }

func pageParseCursor(s string) (pageCursor, error) {
	parts := strings.Split(s, ".")
	if len(parts) != 3 {
		return pageCursor{}, fmt.Errorf("read the place in the feed %.60q: want run.slack.discord", s)
	}
	slack, err := strconv.Atoi(parts[1])
	if err == nil && slack < 0 {
		err = strconv.ErrRange
	}
	discord, err2 := strconv.Atoi(parts[2])
	if err == nil && discord < 0 {
		err = strconv.ErrRange
	}
	if err == nil {
		err = err2
	}
	if err != nil {
		return pageCursor{}, fmt.Errorf("read the place in the feed %.60q: %w", s, err)
	}
	return pageCursor{parts[0], slack, discord}, nil
}

func (p *Page) serveState(w http.ResponseWriter, _ *http.Request) {
	// The numbers come first: a change in between is then in the state and again in
	// the feed, which does no harm, instead of in neither.
	from := pageCursor{p.run, p.o.Slack.World().Next(), p.o.Discord.World().Next()}
	o := p.o.Slack.Options()
	slack := pageWorldOf(o.Team, p.o.Slack.World())
	slack.Agent, slack.Shortcuts, slack.Commands = o.Agent, o.Shortcuts, o.Commands
	pageAnswer(w, http.StatusOK, pageState{
		From:    from.String(),
		Model:   p.o.Model,
		Real:    p.o.Real,
		Notice:  p.o.Notice,
		Slack:   slack,
		Discord: pageWorldOf(p.o.Discord.o.GuildName, p.o.Discord.World()),
	})
}

func pageWorldOf(name string, w *World) pageWorld {
	out := pageWorld{Name: name, Users: w.Users(), Channels: w.Channels(), Messages: make(map[string][]Message), Surfaces: w.Surfaces()}
	for _, c := range out.Channels {
		out.Messages[c.ID] = w.Messages(c.ID)
	}
	return out
}

// pageEvent is one change as the feed tells it.
type pageEvent struct {
	Service string `json:"service"`
	Change
}

const (
	// pageBeat is the pause after which a quiet feed shows that it is alive. The page
	// takes a feed that is quiet for more than twice as long for lost.
	pageBeat = 15 * time.Second
	// pageWriteTimeout lets go of a reader that has stopped reading.
	pageWriteTimeout = 30 * time.Second
)

// serveFeed streams the changes of both worlds as Server-Sent Events, from the place
// that "from" names. A "resync" event says that this place is no longer known, since
// the program was restarted or has forgotten that much, and ends the feed: the page
// then reads the state again.
func (p *Page) serveFeed(w http.ResponseWriter, r *http.Request) {
	at, err := pageParseCursor(r.URL.Query().Get("from"))
	if err != nil {
		pageFail(w, http.StatusBadRequest, err.Error())
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	out := http.NewResponseController(w)
	send := func(event string, data any) bool {
		body, err := json.Marshal(data)
		if err != nil {
			return false
		}
		// A ResponseWriter without deadlines or flushing only makes the feed less prompt.
		_ = out.SetWriteDeadline(time.Now().Add(pageWriteTimeout))
		_, err = fmt.Fprintf(w, "id: %s\nevent: %s\ndata: %s\n\n", at, event, body) //nolint:gosec // an event stream, never read as HTML; JSON keeps to its line
		_ = out.Flush()
		return err == nil
	}
	slack, discord := p.o.Slack.World(), p.o.Discord.World()
	if at.run != p.run || at.slack > slack.Next() || at.discord > discord.Next() {
		send("resync", nil)
		return
	}
	if !send("hello", nil) {
		return
	}

	ctx, stop := context.WithCancel(r.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	changes := make(chan pageEvent)
	for name, from := range map[string]int{"slack": at.slack, "discord": at.discord} {
		world := slack
		if name == "discord" {
			world = discord
		}
		wg.Go(func() {
			for c := range world.Watch(ctx, from) {
				select {
				case changes <- pageEvent{name, c}:
				case <-ctx.Done():
					return
				}
			}
		})
	}
	beat := time.NewTicker(pageBeat)
	defer beat.Stop()
	for {
		select {
		case c := <-changes:
			next := &at.slack
			if c.Service == "discord" {
				next = &at.discord
			}
			if c.Number != *next { // the world has forgotten what comes between
				send("resync", nil)
				return
			}
			*next++
			if !send("change", c) {
				return
			}
		case <-beat.C:
			if !send("beat", nil) {
				return
			}
		case <-p.closed:
			return
		case <-ctx.Done():
			return
		}
	}
}
