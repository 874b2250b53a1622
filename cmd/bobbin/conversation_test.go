package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"bobbin/bots"
	"bobbin/bots/sandbox"
)

var updateConversations = flag.Bool("update", false, "rewrite what is shown in testdata/conversation")

// TestConversations plays the scripts in testdata/conversation through the whole program
// and compares what people see. A script is named after its platform and consists of
// sections:
//
//	config                   at the beginning: how the platforms' channels are configured,
//	                         and the tool make_image
//	NAME says in CHANNEL     a message; CHANNEL may be “the thread”, which is bobbin's
//	                         newest, or “a DM”
//	NAME types in CHANNEL    a slash command
//	NAME presses             a button under bobbin's newest reply that has it, by its label
//	NAME edits               the person's newest message, which then says this
//	NAME deletes             the person's newest message
//	NAME replies to TEXT     the newest message of bobbin's that has it; in a thread on Slack
//	NAME asks about          the message that says this, from its menu
//	NAME reacts with         an emoji, under the newest message of somebody else
//	NAME summarises          what is around the message that says this, from its menu
//	NAME submits             the form that is open before the person
//	NAME sends FILE in CHANNEL  a message, and below an empty line what is in its file
//	NAME invites             bobbin to this channel, or server
//	NAME opens               Slack's page of the app: home, or messages
//	NAME stops               with Slack's own button for agents
//	model streams            an answer; ten seconds pass at each ⏸
//	model calls              a line for each tool: its name and arguments
//	model breaks off         an answer whose connection breaks
//	model fails              HTTP status, code and message of an error
//	DURATION passes          before what follows
//	bobbin restarts          at once, without waiting for running turns
//	bobbin loses files       the right to post them, in this channel
//	PLATFORM shows           what has happened since the section before of this kind
//
// The model's sections up to a “shows” are its answers to what is said up to there. With
// -update what is shown is written into the scripts.
func TestConversations(t *testing.T) {
	files, err := filepath.Glob("testdata/conversation/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no conversations: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			script, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			config := configured(t, script)
			bubble(t, setup{config: config, welcome: true}, func(r *rig) {
				c := &conversation{rig: r, said: make(map[string]string), platform: strings.Split(filepath.Base(file), "-")[0]}
				c.play(script)
			})
			if *updateConversations {
				if err := os.WriteFile(file, txtar.Format(script), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// configured takes how the platforms are configured from the beginning of a script.
func configured(t *testing.T, script *txtar.Archive) func(*Config) {
	t.Helper()
	var with *Config
	if len(script.Files) > 0 && script.Files[0].Name == "config" {
		c, err := loadConfig(writeConfig(t, string(script.Files[0].Data)), noEnv)
		if err != nil {
			t.Fatal(err)
		}
		with = &c
	}
	return func(c *Config) {
		c.Agent.Drain = time.Millisecond
		c.Slack.Reaction, c.Discord.Reaction = "robot_face", "🤖"
		if with != nil {
			c.Slack.Session, c.Slack.Follow, c.Slack.Channels = with.Slack.Session, with.Slack.Follow, with.Slack.Channels
			c.Discord.Session, c.Discord.Follow, c.Discord.Channels = with.Discord.Session, with.Discord.Follow, with.Discord.Channels
			c.Discord.Threads, c.Tools.MakeImage = with.Discord.Threads, with.Tools.MakeImage
		}
	}
}

// conversation is a script being played.
type conversation struct {
	*rig
	platform string
	seen     int               // changes that were shown already
	said     map[string]string // the newest texts of messages
}

func (c *conversation) world() *sandbox.World {
	if c.platform == "slack" {
		return c.slack.World()
	}
	return c.discord.World()
}

func (c *conversation) play(script *txtar.Archive) {
	c.seen = c.world().Next()
	began := 0
	for i := range script.Files {
		f := &script.Files[i]
		if f.Name != c.platform+" shows" {
			continue
		}
		c.block(script.Files[began:i])
		began = i + 1
		got := c.shown()
		if *updateConversations {
			f.Data = []byte(got)
		} else if diff := cmp.Diff(string(f.Data), got); diff != "" {
			c.Errorf("section %d, %s (-want +got):\n%s", i+1, f.Name, diff)
		}
	}
	if began != len(script.Files) {
		c.Errorf("the script does not end with “%s shows”", c.platform)
	}
}

// block has people and the model do what the sections say, and waits until all is quiet.
func (c *conversation) block(sections []txtar.File) {
	var replies []sandbox.AIReply
	for _, f := range sections {
		if kind, ok := strings.CutPrefix(f.Name, "model "); ok {
			replies = append(replies, c.reply(kind, strings.TrimSuffix(string(f.Data), "\n")))
		}
	}
	if len(replies) > 0 {
		c.script(replies...)
	}
	for _, f := range sections {
		text := strings.TrimSpace(string(f.Data))
		words := strings.Fields(f.Name)
		switch {
		case words[0] == "model", words[0] == "config":
		case f.Name == "bobbin restarts":
			c.restart()
		case f.Name == "bobbin loses files":
			c.losesFiles(text)
		case len(words) == 2 && words[1] == "passes":
			d, err := time.ParseDuration(words[0])
			if err != nil {
				c.Fatal(err)
			}
			time.Sleep(d) // virtual
		case len(words) > 3 && words[1] == "says":
			c.says(words[0], strings.Join(words[3:], " "), text)
		case len(words) > 3 && words[1] == "replies":
			c.replies(words[0], strings.Join(words[3:], " "), text)
		case len(words) > 3 && words[1] == "types":
			c.types(words[0], strings.Join(words[3:], " "), text)
		default:
			if !c.does(words[0], strings.Join(words[1:], " "), text) {
				c.Fatalf("no such section: %q", f.Name)
			}
		}
		synctest.Wait()
	}
	c.settle()
}

func (c *conversation) reply(kind, text string) sandbox.AIReply {
	reply := sandbox.AIReply{Delay: time.Second, Pace: 10 * time.Second}
	switch kind {
	case "streams":
		reply.Pieces = strings.SplitAfter(text, "⏸")
		for i, p := range reply.Pieces {
			reply.Pieces[i] = strings.TrimSuffix(p, "⏸")
		}
	case "breaks off":
		reply.Pieces, reply.End = []string{text}, sandbox.AICut
	case "calls":
		reply.Pace = -1 // in how many pieces arguments come is up to chance
		for line := range strings.Lines(text) {
			name, args, _ := strings.Cut(strings.TrimSpace(line), " ")
			reply.Calls = append(reply.Calls, sandbox.AICall{Name: name, Args: args})
		}
	case "fails":
		if _, err := fmt.Sscanf(text, "%d %d", &reply.Status, &reply.Code); err != nil {
			c.Fatalf("model fails: %q: %v", text, err)
		}
		reply.Message = text
	default:
		c.Fatalf("no such section: “model %s”", kind)
	}
	return reply
}

func (c *conversation) says(name, where, text string) {
	c.Helper()
	if c.platform == "slack" {
		user, channel, thread := c.onSlack(name, where)
		c.say(user, channel, thread, text)
		return
	}
	c.sayD(name, c.onDiscord(name, where), "", strings.ReplaceAll(text, "@bobbin", "<@"+c.discord.BotID()+">"))
}

func (c *conversation) types(name, where, text string) {
	c.Helper()
	command, args, _ := strings.Cut(strings.TrimPrefix(text, "/"), " ")
	var err error
	if c.platform == "slack" {
		user, channel, _ := c.onSlack(name, where)
		err = c.slack.Command(user, channel, "/"+command, args)
	} else {
		options := map[string]string{}
		if args != "" {
			for _, def := range bots.Commands(c.cfg.WorkersAI.Models) {
				if def.Name == command {
					options[def.Argument] = args
				}
			}
		}
		err = c.discord.Command(name, c.onDiscord(name, where), command, options)
	}
	if err != nil {
		c.Fatalf("%s: %v", text, err)
	}
}

// onSlack finds the ids for the words of a script.
func (c *conversation) onSlack(name, where string) (user, channel, thread string) {
	user = "U0" + strings.ToUpper(name)
	switch where {
	case "a DM":
		return user, c.slack.OpenDM(user), ""
	case "the thread":
		for _, ch := range c.world().Channels() {
			for _, m := range c.world().Messages(ch.ID) {
				if m.User == c.slack.Options().Bot.ID && m.Thread > thread {
					channel, thread = ch.ID, m.Thread
				}
			}
		}
		return user, channel, thread
	}
	return user, "C0" + strings.ToUpper(where), ""
}

func (c *conversation) onDiscord(name, where string) (channel string) {
	switch where {
	case "a DM":
		return c.discord.OpenDM(name)
	case "the thread":
		for _, ch := range c.world().Channels() {
			if ch.Parent != "" {
				where = ch.ID
			}
		}
	}
	return where
}

// shown words what has happened since it was last called.
func (c *conversation) shown() string {
	var b strings.Builder
	last := ""
	for change := range changes(c.world(), c.seen) {
		c.seen = change.Number + 1
		if line := c.word(change); line != "" && line != last { // a sign is shown again and again
			b.WriteString(line + "\n")
			last = line
		}
	}
	return b.String()
}

// messageLink is the address of a message or thread, which ends in when it was posted.
var messageLink = regexp.MustCompile(`(https://(?:sandbox\.slack\.com/archives|discord\.com/channels))/[\w/]+`)

func (c *conversation) word(change sandbox.Change) string {
	bot := c.slack.Options().Bot.Name
	switch change.Kind {
	case sandbox.Opened:
		if change.Channel.Parent == "" {
			return ""
		}
		return c.place(change.Channel.ID, "") + " opens"
	case sandbox.Typing:
		switch {
		case change.Status != "":
			return fmt.Sprintf("%s … %s %s", c.place(change.In, change.Thread), bot, change.Status)
		case c.platform == "discord":
			return fmt.Sprintf("%s … %s is typing", c.place(change.In, ""), bot)
		}
		return ""
	case sandbox.Shown:
		return c.surface(*change.Surface)
	case sandbox.Posted, sandbox.Edited, sandbox.Deleted:
	}
	m := *change.Message
	if change.Kind == sandbox.Edited && !c.isBot(m.User) && m.Text == c.said[m.ID] {
		return "" // a sign was put under it, or taken away
	}
	c.said[m.ID] = m.Text
	who, did := m.User, ""
	if u, ok := c.world().User(m.User); ok {
		who = u.Name
	}
	switch change.Kind {
	case sandbox.Edited:
		did = " edits"
	case sandbox.Deleted:
		did = " deletes"
	case sandbox.Posted, sandbox.Opened, sandbox.Typing, sandbox.Shown:
	}
	if m.OnlyFor != "" {
		u, _ := c.world().User(m.OnlyFor)
		did += " (only " + u.Name + " sees it)"
	}
	text := look(m)
	if m.Pending {
		text = "…"
	}
	for _, u := range c.world().Users() {
		text = strings.ReplaceAll(text, "<@"+u.ID+">", "@"+u.Name)
	}
	text = messageLink.ReplaceAllString(text, "$1/…")
	return fmt.Sprintf("%s %s%s: %s", c.place(m.Channel, m.Thread), who, did, strings.ReplaceAll(text, "\n", "\n    "))
}

func (c *conversation) isBot(user string) bool {
	u, _ := c.world().User(user)
	return u.Bot
}

// place names where something is shown.
func (c *conversation) place(channel, thread string) string {
	ch, _ := c.world().Channel(channel)
	switch {
	case ch.Direct:
		return "[DM]"
	case ch.Parent != "":
		return "[thread “" + ch.Name + "”]"
	case thread != "":
		return "[#" + ch.Name + ", thread]"
	}
	return "[#" + ch.Name + "]"
}

// look is shown with what frames it: small lines, and buttons in brackets.
func look(m sandbox.Message) string {
	type element struct {
		Text       any    `json:"text"`
		Label      string `json:"label"`
		Emoji      *struct{ Name string }
		Elements   []element `json:"elements"`
		Components []element `json:"components"`
		Type       any       `json:"type"`
	}
	var lines []string
	text := shown(m)
	buttons := func(es []element) {
		var row []string
		for _, e := range es {
			label := e.Label
			if e.Emoji != nil {
				label += e.Emoji.Name
			}
			if t, ok := e.Text.(map[string]any); ok {
				label, _ = t["text"].(string)
			}
			row = append(row, "["+label+"]")
		}
		lines = append(lines, strings.Join(row, " "))
	}
	var blocks, rows []element
	_ = json.Unmarshal([]byte(m.Blocks), &blocks) // a message without blocks has none
	_ = json.Unmarshal([]byte(m.Components), &rows)
	for _, b := range blocks {
		switch b.Type {
		case "context":
			for _, e := range b.Elements {
				lines = append(lines, fmt.Sprint("~ ", e.Text))
			}
		case "actions":
			buttons(b.Elements)
		default:
			if text != "" {
				lines = append(lines, text)
				text = ""
			}
		}
	}
	if text != "" && len(blocks) == 0 {
		lines = append(lines, text)
	}
	for _, f := range m.Files {
		lines = append(lines, "📎 "+f.Name)
	}
	for _, r := range rows {
		buttons(r.Components)
	}
	return strings.Join(lines, "\n")
}
