package bots_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"bobbin/agent"
	"bobbin/bots"

	"github.com/google/go-cmp/cmp"
)

// kernel is an agent that keeps what it is given, and fails when told to.
type kernel struct {
	taken []agent.Inbound
	again bool // what it is given has arrived before
	reset []agent.SessionID
	known map[agent.SessionID]bool
	noted map[agent.MessageID]bool
	err   error

	running map[agent.SessionID]agent.TurnID
	asked   []agent.Inbound // by which turns were asked for
	did     []string
	revised []agent.SessionID
}

func (k *kernel) Submit(_ context.Context, in agent.Inbound) (fresh bool, err error) {
	if k.err != nil {
		return false, k.err
	}
	k.taken = append(k.taken, in)
	return !k.again, nil
}

func (k *kernel) Seen(_ context.Context, in agent.Inbound) (bool, error) {
	return k.noted[in.MessageID], k.err
}

func (k *kernel) Note(_ context.Context, in agent.Inbound) error {
	if k.noted == nil {
		k.noted = make(map[agent.MessageID]bool)
	}
	k.noted[in.MessageID] = true
	return k.err
}

func (k *kernel) Known(_ context.Context, s agent.SessionID) (bool, error) { return k.known[s], k.err }

func (k *kernel) Running(s agent.SessionID) (agent.TurnID, bool) {
	id, ok := k.running[s]
	return id, ok
}

func (k *kernel) Stop(s agent.SessionID, id agent.TurnID, may agent.May) (bool, error) {
	if k.running[s] == "" || id != "" && id != k.running[s] {
		return false, nil
	}
	if !may(k.asked) {
		return false, agent.ErrForbidden
	}
	k.did = append(k.did, "stop "+string(k.running[s]))
	return true, k.err
}

func (k *kernel) Again(_ context.Context, _ agent.SessionID, id agent.TurnID, may agent.May) error {
	if !may(k.asked) {
		return agent.ErrForbidden
	}
	k.did = append(k.did, "again "+string(id))
	return k.err
}

func (k *kernel) Revise(_ context.Context, s agent.SessionID, m agent.MessageID, text string, withdrawn bool) (bool, error) {
	k.revised = append(k.revised, s)
	k.did = append(k.did, fmt.Sprintf("revise %s %q %v", m, text, withdrawn))
	return k.known != nil, k.err
}

func (k *kernel) Reset(_ context.Context, s agent.SessionID) error {
	k.reset = append(k.reset, s)
	return k.err
}

// desk is an intake and what came of it.
type desk struct {
	*bots.Intake
	*kernel
	*shelf
	ignored  map[string]int
	answers  []string
	failResp error
}

// thread is a thread that bobbin is part of; strange is one that it is not.
var (
	thread  = agent.Address{Platform: "slack", Workspace: "T1", Channel: "C1", Thread: "1.2"}
	strange = agent.Address{Platform: "slack", Workspace: "T1", Channel: "C1", Thread: "3.4"}
	channel = agent.Address{Platform: "slack", Workspace: "T1", Channel: "C1"}
	irc     = agent.Address{Platform: "irc", Channel: "C1", Thread: "1.2"}
)

func newDesk() *desk {
	d := &desk{
		kernel:  &kernel{known: map[agent.SessionID]bool{thread.Session(): true, irc.Session(): true}},
		shelf:   &shelf{at: make(map[agent.MessageID]agent.Location)},
		ignored: make(map[string]int),
	}
	d.Intake = &bots.Intake{
		Agent: d.kernel, Archive: d.shelf, Channels: map[string]bots.Channels{"slack": {Default: bots.Rules{Follow: true}}},
		Ignored: func(platform, why string) { d.ignored[platform+": "+why]++ },
	}
	return d
}

func (d *desk) event(at agent.Address, text string) bots.Event {
	return bots.Event{
		EventID: "E1", MessageID: "M1", Target: agent.Target{Address: at, ReplyTo: "M1"}, Author: agent.Author{ID: "U1", Name: "Ada"},
		Text: text, Sent: time.Unix(1_700_000_000, 0),
		Respond: func(_ context.Context, markdown string) error {
			d.answers = append(d.answers, markdown)
			return d.failResp
		},
	}
}

func mention(e bots.Event) bots.Event { e.Addressed = true; return e }
func direct(e bots.Event) bots.Event  { e.Addressed, e.Direct = true, true; return e }
func command(name string, e bots.Event) bots.Event {
	e.Addressed, e.Command = true, name
	return e
}

// outcome is what came of an event, in a word.
func (d *desk) outcome(err error) string {
	var what []string
	for _, in := range d.taken {
		what = append(what, "taken "+in.Text)
	}
	for range d.reset {
		what = append(what, "reset")
	}
	for _, a := range d.answers {
		first, _, _ := strings.Cut(a, ".")
		what = append(what, "answered "+first)
	}
	for why := range maps.Keys(d.ignored) {
		what = append(what, "ignored "+why)
	}
	if err != nil {
		what = append(what, "error")
	}
	return strings.Join(what, ", ")
}

func TestWhichMessagesAreForBobbin(t *testing.T) {
	const notOurs = "ignored slack: not addressed"
	d := newDesk()
	for name, c := range map[string]struct {
		ev   bots.Event
		want string
	}{
		"a mention in a channel":               {mention(d.event(channel, "hi")), "taken hi"},
		"a mention in a strange thread":        {mention(d.event(strange, "hi")), "taken hi"},
		"a mention where following is off":     {mention(d.event(irc, "hi")), "taken hi"},
		"a direct message":                     {direct(d.event(channel, "hi")), "taken hi"},
		"a follow-up in a known thread":        {d.event(thread, "hi"), "taken hi"},
		"a follow-up where following is off":   {d.event(irc, "hi"), "ignored irc: not addressed"},
		"talk in a strange thread":             {d.event(strange, "hi"), notOurs},
		"talk in a channel":                    {d.event(channel, "hi"), notOurs},
		"blanks around the text":               {mention(d.event(channel, " \n hi\t")), "taken hi"},
		"a question by command":                {command("ask", d.event(channel, "hi")), "taken hi"},
		"a question by command in capitals":    {command("ASK", d.event(channel, "hi")), "taken hi"},
		"a typed question":                     {mention(d.event(channel, "!ask hi there")), "taken hi there"},
		"a typed question, not for bobbin":     {d.event(channel, "!ask hi there"), notOurs},
		"an exclamation":                       {mention(d.event(channel, "!important: hi")), "taken !important: hi"},
		"a lone exclamation mark":              {mention(d.event(channel, "!")), "taken !"},
		"a mention without text":               {mention(d.event(channel, " ")), "answered I see no question there"},
		"a direct message without text":        {direct(d.event(channel, "")), "answered I see no question there"},
		"a follow-up without text":             {d.event(thread, ""), "ignored slack: without text"},
		"a command without its question":       {command("ask", d.event(channel, "")), "answered What can I do for you? Write your question after the command"},
		"a typed command without its question": {mention(d.event(channel, "!ask")), "answered What can I do for you? Write your question after the command"},
		"the longest message":                  {mention(d.event(channel, strings.Repeat("é", bots.MaxText))), "taken " + strings.Repeat("é", bots.MaxText)},
		"a message that is too long":           {mention(d.event(channel, strings.Repeat("é", bots.MaxText+1))), "answered That message is too long for me: it has more than 40000 characters"},
		"a long message that is for others":    {d.event(channel, strings.Repeat("é", bots.MaxText+1)), notOurs},
		"reset, typed in a known thread":       {d.event(thread, "!reset"), "reset, answered Done: I start afresh here"},
		"reset, typed with a mention":          {mention(d.event(thread, " !Reset\nnow")), "reset, answered Done: I start afresh here"},
		"reset, typed in a strange thread":     {d.event(strange, "!reset"), notOurs},
		"reset, typed in a channel":            {d.event(channel, "!reset"), notOurs},
		"reset, where following is off":        {d.event(irc, "!reset"), "ignored irc: not addressed"},
		"reset, spoken of":                     {mention(d.event(thread, "what does !reset do?")), "taken what does !reset do?"},
		"reset, by command":                    {command("reset", d.event(thread, "")), "reset, answered Done: I start afresh here"},
		"reset, by command, in capitals":       {command("RESET", d.event(thread, "")), "reset, answered Done: I start afresh here"},
		"reset where there is no conversation": {command("reset", d.event(channel, "")), "answered There is no conversation here"},
		"help":                                 {command("help", d.event(channel, "")), "answered Mention me in a channel, or write to me directly, and I answer in a thread; each thread is a conversation with its own memory"},
		"an unknown command":                   {command("dance", d.event(channel, "")), "answered I do not know that command: “dance”"},
		"an unknown command without a name":    {command("\x00`", d.event(channel, "")), "answered I do not know that command"},
		"an event without a platform":          {mention(d.event(agent.Address{Channel: "C1"}, "hi")), "ignored : incomplete"},
		"an event without a channel":           {mention(d.event(agent.Address{Platform: "slack"}, "hi")), "ignored slack: incomplete"},
		"an event without anything":            {bots.Event{}, "ignored : incomplete"},
		"a command without a channel":          {command("reset", d.event(agent.Address{Platform: "slack"}, "")), "ignored slack: incomplete"},
	} {
		t.Run(name, func(t *testing.T) {
			*d = *newDesk()
			if got := d.outcome(d.Accept(t.Context(), c.ev)); got != c.want {
				t.Errorf("got  %.200s\nwant %.200s", got, c.want)
			}
		})
	}
}

func TestEventsWithoutTheirAuthorOrMessageAreIgnoredAndCounted(t *testing.T) {
	d := newDesk()
	nameless, nowhere := mention(d.event(channel, "hi")), mention(d.event(channel, "hi"))
	nameless.Author.ID, nowhere.MessageID = "", ""
	for _, ev := range []bots.Event{nameless, nowhere} {
		if err := d.Accept(t.Context(), ev); err != nil {
			t.Error(err)
		}
	}
	if len(d.taken) != 0 || d.ignored["slack: incomplete"] != 2 {
		t.Errorf("took %v, ignored %v", d.taken, d.ignored)
	}
	d.Ignored = nil
	if err := d.Accept(t.Context(), nameless); err != nil {
		t.Error(err)
	}
}

func TestMessageIsHandedOnWhole(t *testing.T) {
	d := newDesk()
	ev := direct(d.event(thread, "hi"))
	if err := d.Accept(t.Context(), ev); err != nil {
		t.Fatal(err)
	}
	want := []agent.Inbound{{
		MessageID: "M1", Target: ev.Target, Author: agent.Author{ID: "U1", Name: "Ada"},
		Direct: true, Text: "hi", Sent: ev.Sent,
	}}
	if diff := cmp.Diff(want, d.taken); diff != "" {
		t.Error(diff)
	}
}

// The message that a command makes may be another one at its next delivery.
func TestACommandIsKnownByItsDeliveryAMessageByItsID(t *testing.T) {
	for command, want := range map[string]string{"": "", "ask": "E1"} {
		d := newDesk()
		ev := direct(d.event(thread, "hi"))
		ev.Command = command
		if err := d.Accept(t.Context(), ev); err != nil {
			t.Fatal(err)
		}
		if len(d.taken) != 1 || d.taken[0].EventID != want {
			t.Errorf("%q: %+v", command, d.taken)
		}
	}
}

var errDisk = errors.New("disk on fire at /var/lib/bobbin")

func TestMessageThatCannotBeTakenIsDeliveredAgain(t *testing.T) {
	for name, at := range map[string]agent.Address{"mention": channel, "follow-up": thread} {
		d := newDesk()
		d.err = errDisk
		ev := d.event(at, "hi")
		ev.Addressed = name == "mention"
		if err := d.Accept(t.Context(), ev); !errors.Is(err, errDisk) || len(d.answers) != 0 || len(d.ignored) != 0 {
			t.Errorf("%s: %v, answers %q, ignored %v", name, err, d.answers, d.ignored)
		}
	}
}

func TestCommandThatFailsIsAnsweredInAPlainSentence(t *testing.T) {
	for name, kern := range map[string]func(*desk){
		"for want of the store": func(d *desk) { d.err = errDisk },
		"with its own words":    func(d *desk) { d.err = fmt.Errorf("%w: %w", errDisk, worded{}) },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk()
			kern(d)
			if err := d.Accept(t.Context(), command("reset", d.event(thread, ""))); err != nil {
				t.Errorf("Accept: %v", err)
			}
			want := agent.Explain(d.err)
			if !slices.Equal(d.answers, []string{want}) || strings.Contains(want, "disk") {
				t.Errorf("answered %q", d.answers)
			}
		})
	}
}

type worded struct{}

func (worded) Error() string  { return "internals" }
func (worded) Public() string { return "Please come back tomorrow." }

func TestAnswerThatCannotBeGivenIsDeliveredAgain(t *testing.T) {
	d := newDesk()
	d.failResp = errors.New("channel_not_found")
	for _, ev := range []bots.Event{command("help", d.event(channel, "")), mention(d.event(channel, ""))} {
		if err := d.Accept(t.Context(), ev); !errors.Is(err, d.failResp) {
			t.Errorf("Accept: %v", err)
		}
	}
}

func TestHelpTellsHowToSpeakToBobbin(t *testing.T) {
	for at, follows := range map[agent.Address]bool{channel: true, irc: false} {
		d := newDesk()
		if err := d.Accept(t.Context(), command("help", d.event(at, ""))); err != nil {
			t.Fatal(err)
		}
		for _, has := range []string{"ask text`", "reset`", "help`", "export [markdown|json]`", "!reset"} {
			if !strings.Contains(d.answers[0], has) {
				t.Errorf("help does not speak of %s", has)
			}
		}
		if strings.Contains(d.answers[0], "just write on") != follows || strings.Contains(d.answers[0], "do not know") {
			t.Errorf("help says %q", d.answers[0])
		}
	}
}

// What a person types as a command's name is shown to them, and perhaps to others.
func TestHelpRepeatsNothingThatIsLive(t *testing.T) {
	for _, name := range []string{
		"<!channel>", "@everyone", "https://evil.example/x", "[a](b)", ":tada:", "**x**", "<@U1>", "a\u202eb", "```", "||x||", "a\nb",
		strings.Repeat("w", 5000),
	} {
		d := newDesk()
		if err := d.Accept(t.Context(), command(name, d.event(channel, "x"))); err != nil {
			t.Fatal(err)
		}
		first, rest, _ := strings.Cut(d.answers[0], "\n")
		if strings.ContainsAny(first, "<>@/[]()*`|\u202e") || len(first) > 100 || strings.Count(first, ":") > 1 || !strings.Contains(rest, "reset`") {
			t.Errorf("%.50q is answered %q", name, first)
		}
	}
}

func TestWhatNeedsNoTurnIsAnsweredOnce(t *testing.T) {
	for _, text := range []string{"!reset", "!help", "", strings.Repeat("x", bots.MaxText+1)} {
		k := &kernel{known: map[agent.SessionID]bool{}}
		in := bots.Intake{Agent: k}
		answers := 0
		ev := bots.Event{
			EventID: "E1", MessageID: "C1/1", Author: agent.Author{ID: "U1"}, Addressed: true, Text: text,
			Target:  agent.Target{Address: agent.Address{Platform: "slack", Channel: "C1", Thread: "1"}},
			Respond: func(context.Context, string) error { answers++; return nil },
		}
		for _, id := range []string{"E1", "E2", "E1"} {
			ev.EventID = id
			if err := in.Accept(t.Context(), ev); err != nil {
				t.Fatal(err)
			}
		}
		if answers != 1 {
			t.Errorf("%.10q: answered %d times", text, answers)
		}
	}
}

func TestRefusedMessageIsToldOnce(t *testing.T) {
	k := &kernel{}
	refused, answers := 0, []string{}
	in := bots.Intake{Agent: refusing{k}, Refused: func(string) { refused++ }}
	ev := bots.Event{
		EventID: "E1", MessageID: "C1/1", Author: agent.Author{ID: "U1"}, Addressed: true, Text: "hi",
		Target:  agent.Target{Address: agent.Address{Platform: "slack", Channel: "C1", Thread: "1"}},
		Respond: func(_ context.Context, s string) error { answers = append(answers, s); return nil },
	}
	for range 2 {
		if err := in.Accept(t.Context(), ev); err != nil {
			t.Fatal(err)
		}
	}
	if refused != 1 || len(answers) != 1 || answers[0] != agent.Explain(agent.ErrInboxFull) {
		t.Errorf("refused %d times, said %q", refused, answers)
	}
}

// refusing is an agent whose inbox is full.
type refusing struct{ *kernel }

func (refusing) Submit(context.Context, agent.Inbound) (bool, error) {
	return false, agent.ErrInboxFull
}
