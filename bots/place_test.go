package bots_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"bobbin/agent"
	"bobbin/bots"
)

// shelf is an archive that knows where messages belong, and keeps what is forked.
type shelf struct {
	agent.Archive
	at      map[agent.MessageID]agent.Location
	entries int
	forked  []string
	failure error
}

func (s *shelf) Locate(_ context.Context, _ string, m agent.MessageID) (agent.Location, bool, error) {
	at, ok := s.at[m]
	return at, ok, s.failure
}

func (s *shelf) Session(context.Context, agent.SessionID) (agent.SessionInfo, error) {
	return agent.SessionInfo{Entries: s.entries}, nil
}

func (s *shelf) Fork(_ context.Context, from, to agent.SessionID, after agent.MessageID) (int, error) {
	s.forked = append(s.forked, fmt.Sprintf("%s > %s after %q", from, to, after))
	return 1, nil
}

func reply(ev bots.Event, to string, branch *agent.Target) bots.Event {
	ev.Reply = &bots.Reply{To: agent.MessageID(to), Branch: branch}
	return ev
}

var (
	mine   = agent.Address{Platform: "slack", Workspace: "T1", Channel: "C1", User: "U1"}
	theirs = agent.Address{Platform: "slack", Workspace: "T1", Channel: "C1", User: "U2"}
)

func TestAReplyGoesOnWithItsAnswerOrStartsFromIt(t *testing.T) {
	elsewhere := channel
	elsewhere.Channel = "C2"
	branch := agent.Target{Address: strange, ReplyTo: "M1", Hook: "title"}
	for name, c := range map[string]struct {
		answer agent.Location // of the message that is replied to
		in     agent.Address  // where the message would belong otherwise
		thread bool           // it stands in a thread
		want   agent.Address
		fork   string
	}{
		"the newest answer":                 {agent.Location{Session: channel.Session(), Reply: true, Newest: true}, channel, false, channel, ""},
		"an older answer":                   {agent.Location{Session: channel.Session(), Reply: true}, channel, false, strange, `slack/T1/C1/ > slack/T1/C1/3.4 after "A1"`},
		"the newest, of another session":    {agent.Location{Session: thread.Session(), Reply: true, Newest: true}, strange, false, thread, ""},
		"an older one, of another":          {agent.Location{Session: thread.Session(), Reply: true}, channel, false, strange, `slack/T1/C1/1.2 > slack/T1/C1/3.4 after "A1"`},
		"one's own newest":                  {agent.Location{Session: mine.Session(), Reply: true, Newest: true}, mine, false, mine, ""},
		"somebody else's newest":            {agent.Location{Session: theirs.Session(), Reply: true, Newest: true}, mine, false, strange, `slack/T1/C1//U2 > slack/T1/C1/3.4 after "A1"`},
		"in the thread of the answer":       {agent.Location{Session: thread.Session(), Reply: true}, thread, true, thread, ""},
		"in a thread below the answer":      {agent.Location{Session: channel.Session(), Reply: true}, strange, true, strange, `slack/T1/C1/ > slack/T1/C1/3.4 after "A1"`},
		"in a thread below a question":      {agent.Location{Session: channel.Session()}, strange, true, strange, ""},
		"an answer in another channel":      {agent.Location{Session: elsewhere.Session(), Reply: true}, channel, false, channel, ""},
		"an answer in another workspace":    {agent.Location{Session: "slack/T2/C1/", Reply: true}, channel, false, channel, ""},
		"an answer on another platform":     {agent.Location{Session: "discord/T1/C1/", Reply: true}, channel, false, channel, ""},
		"a message that is nobody's answer": {agent.Location{}, channel, false, channel, ""},
	} {
		d := newDesk()
		if c.answer.Session != "" {
			d.at["A1"] = c.answer
		}
		to := &branch
		if c.thread {
			to = nil
		}
		if got := d.accept(t, mention(reply(d.event(c.in, "and then?"), "A1", to))); got != "taken and then?" {
			t.Errorf("%s: %s", name, got)
			continue
		}
		if got := d.taken[0].Target.Address; got != c.want {
			t.Errorf("%s: taken in %+v, want %+v", name, got, c.want)
		}
		if got := strings.Join(d.forked, ", "); got != c.fork {
			t.Errorf("%s: forked %q, want %q", name, got, c.fork)
		}
		if d.taken[0].Direct != (c.want.User != "") {
			t.Errorf("%s: direct is %v", name, d.taken[0].Direct)
		}
	}
}

func TestAReplyThatComesAgainStaysWhereItWasTaken(t *testing.T) {
	d := newDesk()
	d.at["A1"] = agent.Location{Session: channel.Session(), Reply: true}
	d.at["M1"] = agent.Location{Session: channel.Session()}
	d.accept(t, mention(reply(d.event(channel, "and then?"), "A1", &agent.Target{Address: strange})))
	if len(d.forked) > 0 || d.taken[0].Target.Address != channel {
		t.Errorf("forked %q, taken in %+v", d.forked, d.taken[0].Target.Address)
	}
}

func TestACommandInAReplyIsForThatConversationAndBeginsNone(t *testing.T) {
	d := newDesk()
	d.known[thread.Session()] = true
	d.at["A1"] = agent.Location{Session: thread.Session(), Reply: true}
	d.accept(t, mention(reply(d.event(channel, "!reset"), "A1", &agent.Target{Address: strange})))
	if !slices.Equal(d.reset, []agent.SessionID{thread.Session()}) || len(d.forked) > 0 {
		t.Errorf("reset %q, forked %q", d.reset, d.forked)
	}
}

func TestButtonsAndChangesFindTheSessionOfTheirMessage(t *testing.T) {
	d := newDesk()
	d.at["A1"], d.at["M1"] = agent.Location{Session: theirs.Session(), Reply: true}, agent.Location{Session: theirs.Session()}
	d.running = map[agent.SessionID]agent.TurnID{theirs.Session(): "T1"}
	d.asked = []agent.Inbound{{Author: agent.Author{ID: "U2"}}}
	d.Admins = map[string][]string{"slack": {"UBOSS"}}
	press := pressed(bots.Stop, "T1", "UBOSS", "P1", d.event(channel, ""))
	press.Target.ReplyTo = "A1"
	if got := d.accept(t, press); got != "stop T1" {
		t.Errorf("an admin's press: %s", got)
	}
	press = pressed(bots.Stop, "T1", "U1", "P2", d.event(mine, ""))
	press.Target.ReplyTo = "A1"
	if got := d.accept(t, press); got != "answered "+agent.Explain(agent.ErrForbidden) {
		t.Errorf("somebody else's press: %s", got)
	}
	gone := d.event(channel, "")
	gone.Change, gone.Author = bots.Deleted, agent.Author{}
	d.accept(t, gone)
	if !slices.Equal(d.revised, []agent.SessionID{theirs.Session()}) {
		t.Errorf("a deletion was for %q", d.revised)
	}
	d.failure = errors.New("disk on fire")
	if err := d.Accept(t.Context(), gone); err == nil {
		t.Error("what could not be looked up is taken for done")
	}
}

func TestFollowIsEachChannelsOwn(t *testing.T) {
	d := newDesk()
	quiet := thread
	quiet.Channel = "C2"
	d.known[quiet.Session()] = true
	d.Channels["slack"] = bots.Channels{Default: bots.Rules{Follow: true}, Special: map[string]bots.Rules{"C2": {Follow: false}}}
	if got := d.accept(t, d.event(thread, "and?")); got != "taken and?" {
		t.Errorf("where it follows: %s", got)
	}
	if got := d.accept(t, d.event(quiet, "and?")); got != "" {
		t.Errorf("where it does not: %s", got)
	}
	if got := d.accept(t, mention(d.event(quiet, "and?"))); got != "taken and?" {
		t.Errorf("mentioned where it does not: %s", got)
	}
	below := reply(d.event(strange, "and?"), "A1", nil)
	if got := d.accept(t, below); got != "" {
		t.Errorf("in a thread below somebody's message: %s", got)
	}
	d.at["A1"] = agent.Location{Session: channel.Session(), Reply: true}
	if got := d.accept(t, below); got != "taken and?" {
		t.Errorf("in a thread below an answer: %s", got)
	}
	d.Channels["slack"] = bots.Channels{}
	if got := d.accept(t, below); got != "" {
		t.Errorf("in a thread below an answer where it does not follow: %s", got)
	}
}

// opener is a platform that opens threads.
type opener struct {
	place
	said []string
	link string
}

func (o *opener) OpenThread(_ context.Context, at agent.Address, _, markdown string) (agent.Address, string, error) {
	o.said = append(o.said, markdown)
	at.Thread, at.User = "9.9", ""
	return at, o.link, o.err
}

func TestAForkIsANewThreadThatStartsFromHere(t *testing.T) {
	d, o := newDesk(), &opener{link: "https://example.com/9.9"}
	if got := d.accept(t, command("fork", d.event(thread, ""))); got != "answered I cannot open threads here." {
		t.Error(got)
	}
	d.noted, d.Platforms = nil, []bots.Platform{o}
	if got := d.accept(t, command("fork", d.event(strange, ""))); !strings.Contains(got, "There is no conversation here") {
		t.Error(got)
	}
	d.noted, d.entries = nil, 2
	fork := d.event(mine, "")
	fork.Author.Name = "Ada <!channel>\n**[x](y)**"
	if got := d.accept(t, command("fork", fork)); got != "answered I opened [a new thread](https://example.com/9.9) that goes on from here. This conversation stays as it is." {
		t.Error(got)
	}
	if want := []string{`slack/T1/C1//U1 > slack/T1/C1/9.9 after ""`}; !slices.Equal(d.forked, want) {
		t.Errorf("forked %q", d.forked)
	}
	if len(o.said) != 1 || !strings.HasPrefix(o.said[0], "**Ada channel xy** goes on here") {
		t.Errorf("the thread begins with %q", o.said)
	}
	d.noted, d.forked, d.entries = nil, nil, 0 // what came after the answer was reset
	d.at["A1"] = agent.Location{Session: thread.Session(), Reply: true}
	d.accept(t, mention(reply(d.event(thread, "!fork"), "A1", nil)))
	if want := []string{`slack/T1/C1/1.2 > slack/T1/C1/9.9 after "A1"`}; !slices.Equal(d.forked, want) {
		t.Errorf("from an answer, forked %q", d.forked)
	}
	d.noted, d.forked, o.err = nil, nil, errors.New("internals")
	if got := d.accept(t, command("fork", reply(d.event(thread, ""), "A1", nil))); !strings.HasPrefix(got, "answered Something went wrong") || len(d.forked) > 0 {
		t.Errorf("%s, forked %q", got, d.forked)
	}
}

func TestPeopleAreToldWhoSharesAConversation(t *testing.T) {
	for scope, want := range map[bots.Scope]string{
		bots.PerThread: "each thread is a conversation", bots.PerChannel: "one conversation, which all here share", bots.PerUser: "Each person has a conversation of their own",
	} {
		d := newDesk()
		d.Welcome = true
		d.Channels["slack"] = bots.Channels{Default: bots.Rules{Session: scope}}
		if got := d.accept(t, command("help", d.event(channel, ""))); !strings.Contains(got, want) {
			t.Errorf("help says %s", got)
		}
		greet := d.event(channel, "")
		greet.Greet = true
		if got := d.accept(t, greet); !strings.Contains(got, want) {
			t.Errorf("the welcome says %s", got)
		}
		d.noted = nil
		got := d.accept(t, command("reset", d.event(scope.Place(channel, "", "U1"), "")))
		if mentions := strings.Contains(got, "Mention me to begin one"); mentions == scope.Threads() {
			t.Errorf("%s: a reset says %s", scope, got)
		}
	}
}
