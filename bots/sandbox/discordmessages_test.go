package sandbox

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"
)

func TestDiscordGreetsTheRealClient(t *testing.T) {
	d, b := discordOpen(t, DiscordOptions{})
	ready := discordNext[*discordgo.Ready](t, b, nil)
	if ready.User.ID != d.BotID() || !ready.User.Bot || ready.SessionID == "" || ready.Application.ID != d.ApplicationID() {
		t.Errorf("READY = %+v", ready)
	}
	if len(ready.Guilds) != 1 || !ready.Guilds[0].Unavailable {
		t.Errorf("guilds of READY = %+v", ready.Guilds)
	}
	g := discordNext[*discordgo.GuildCreate](t, b, nil)
	if g.ID != d.GuildID() || len(g.Channels) != 2 || g.Channels[0].Name != "general" || len(g.Members) != 1 {
		t.Errorf("GUILD_CREATE = %+v", g.Guild)
	}
	if n := d.Connected(); n != 1 {
		t.Errorf("Connected = %d", n)
	}
	me, err := b.User("@me")
	if err != nil || me.ID != d.BotID() {
		t.Errorf("@me = %+v, %v", me, err)
	}
	app, err := b.Application("@me")
	if err != nil || app.ID != d.ApplicationID() {
		t.Errorf("application = %+v, %v", app, err)
	}
}

func TestDiscordMessageGoesRoundTrip(t *testing.T) {
	d, b := discordOpen(t, DiscordOptions{})
	id, err := d.Say("ada", "#general", "", "hello <@"+d.BotID()+">")
	if err != nil {
		t.Fatal(err)
	}
	m := discordNext[*discordgo.MessageCreate](t, b, nil)
	if m.ID != id || m.Author.Username != "ada" || m.Member == nil || m.GuildID != d.GuildID() || m.Timestamp.IsZero() {
		t.Fatalf("MESSAGE_CREATE = %+v", m.Message)
	}
	if len(m.Mentions) != 1 || m.Mentions[0].ID != d.BotID() {
		t.Errorf("mentions = %+v", m.Mentions)
	}
	sent, err := b.ChannelMessageSendComplex(m.ChannelID, &discordgo.MessageSend{
		Content: "hi @everyone <@" + m.Author.ID + ">", Reference: m.SoftReference(),
		AllowedMentions: &discordgo.MessageAllowedMentions{Parse: []discordgo.AllowedMentionType{}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if sent.ReferencedMessage == nil || sent.ReferencedMessage.ID != id || sent.Type != discordgo.MessageTypeReply {
		t.Errorf("answer = %+v", sent)
	}
	if p := d.Pinged(sent.ID); len(p) != 0 {
		t.Errorf("it pinged %v in spite of allowed_mentions", p)
	}
	if a := string(d.AllowedMentions(sent.ID)); !strings.Contains(a, `"parse":[]`) {
		t.Errorf("AllowedMentions = %s", a)
	}
	if own := discordNext[*discordgo.MessageCreate](t, b, nil); own.ID != sent.ID || own.Content == "" {
		t.Errorf("own message came as %+v", own.Message)
	}
	text := "better"
	edit := &discordgo.MessageEdit{ID: sent.ID, Channel: sent.ChannelID, Content: &text}
	if _, err := b.ChannelMessageEditComplex(edit); err != nil {
		t.Fatal(err)
	}
	if u := discordNext[*discordgo.MessageUpdate](t, b, nil); u.Content != text || u.EditedTimestamp == nil {
		t.Errorf("MESSAGE_UPDATE = %+v", u.Message)
	}
	seen, ok := d.World().Message(sent.ChannelID, sent.ID)
	if !ok || seen.Text != text || seen.Edits != 1 || seen.ReplyTo != id || seen.User != d.BotID() {
		t.Errorf("people see %+v", seen)
	}
	if err := b.ChannelMessageDelete(sent.ChannelID, sent.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := b.ChannelMessage(sent.ChannelID, sent.ID); discordCode(err) != 10008 {
		t.Errorf("a deleted message gives %v", err)
	}
	if _, ok := d.World().Message(sent.ChannelID, sent.ID); ok {
		t.Error("people still see the deleted message")
	}
}

func TestDiscordEnforcedNonceMakesOneMessage(t *testing.T) {
	discordBubble(t, DiscordOptions{}, func(t *testing.T, d *Discord, b *discordBot) {
		channel := d.World().Channels()[0].ID
		send := func(nonce string, enforce bool) *discordgo.Message {
			t.Helper()
			url := discordgo.EndpointChannelMessages(channel)
			data := map[string]any{"content": "once", "nonce": nonce, "enforce_nonce": enforce}
			body, err := b.RequestWithBucketID("POST", url, data, url)
			if err != nil {
				t.Fatal(err)
			}
			m := new(discordgo.Message)
			if err := discordgo.Unmarshal(body, m); err != nil {
				t.Fatal(err)
			}
			return m
		}
		first := send("n1", true)
		if again := send("n1", true); again.ID != first.ID {
			t.Errorf("the same nonce made %s and %s", first.ID, again.ID)
		}
		if other := send("n1", false); other.ID == first.ID {
			t.Error("a nonce that is not enforced made no message of its own")
		}
		if other := send("n2", true); other.ID == first.ID {
			t.Error("another nonce made no message of its own")
		}
		if m, _ := d.World().Message(channel, first.ID); m.Key != "n1" {
			t.Errorf("Key = %q", m.Key)
		}
		time.Sleep(6 * time.Minute)
		if late := send("n1", true); late.ID == first.ID {
			t.Error("the nonce is still remembered after six minutes")
		}
		if n := len(d.World().Messages(channel)); n != 4 {
			t.Errorf("people see %d messages, want 4", n)
		}
	})
}

func TestDiscordRefusesBadCalls(t *testing.T) {
	discordBubble(t, DiscordOptions{Limits: DiscordLimits{Off: true}}, func(t *testing.T, d *Discord, b *discordBot) {
		c := d.World().Channels()[0].ID
		asked, err := d.Say("ada", c, "", "hello")
		if err != nil {
			t.Fatal(err)
		}
		m, err := b.ChannelMessageSend(c, "mine")
		if err != nil {
			t.Fatal(err)
		}
		thread, err := d.StartThread("ada", c, asked, "old")
		if err != nil {
			t.Fatal(err)
		}
		old, err := b.ChannelMessageSend(thread, "old")
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Archive(thread, true, true); err != nil {
			t.Fatal(err)
		}
		if err := d.Hide("random", true); err != nil {
			t.Fatal(err)
		}
		hidden := d.World().Channels()[1].ID
		for _, test := range []struct {
			name, method, path, body string
			status                   int
			want                     string
		}{
			{"too long", "POST", "/channels/" + c + "/messages", `{"content":"` + strings.Repeat("é", 2001) + `"}`, 400, `"code":50035`},
			{"too long in UTF-16", "POST", "/channels/" + c + "/messages", `{"content":"` + strings.Repeat("😀", 1001) + `"}`, 400, `BASE_TYPE_MAX_LENGTH`},
			{"empty", "POST", "/channels/" + c + "/messages", `{"content":" "}`, 400, `"code":50006`},
			{"no body", "POST", "/channels/" + c + "/messages", ``, 400, `"code":50006`},
			{"no JSON", "POST", "/channels/" + c + "/messages", `{`, 400, `"code":50109`},
			{"wrong type", "POST", "/channels/" + c + "/messages", `{"content":{}}`, 400, `"code":50035`},
			{"long nonce", "POST", "/channels/" + c + "/messages", `{"content":"a","nonce":"` + strings.Repeat("n", 26) + `"}`, 400, `"nonce"`},
			{"contradicting mentions", "POST", "/channels/" + c + "/messages", `{"content":"a","allowed_mentions":{"parse":["users"],"users":["1"]}}`, 400, `EXCLUSIVE`},
			{"reply to nothing", "POST", "/channels/" + c + "/messages", `{"content":"a","message_reference":{"message_id":"1"}}`, 400, `REPLIES_UNKNOWN_MESSAGE`},
			{"unknown channel", "POST", "/channels/1/messages", `{"content":"a"}`, 404, `"code":10003`},
			{"hidden channel", "POST", "/channels/" + hidden + "/messages", `{"content":"a"}`, 403, `"code":50001`},
			{"locked thread", "POST", "/channels/" + thread + "/messages", `{"content":"a"}`, 403, `"code":160005`},
			{"archived thread", "PATCH", "/channels/" + thread + "/messages/" + old.ID, `{"content":"a"}`, 400, `"code":50083`},
			{"edit of another's", "PATCH", "/channels/" + c + "/messages/" + asked, `{"content":"a"}`, 403, `"code":50005`},
			{"deletion of another's", "DELETE", "/channels/" + c + "/messages/" + asked, ``, 403, `"code":50013`},
			{"edit to nothing", "PATCH", "/channels/" + c + "/messages/" + m.ID, `{"content":""}`, 400, `"code":50006`},
			{"edit of nothing", "PATCH", "/channels/" + c + "/messages/7", `{"content":"a"}`, 404, `"code":10008`},
			{"bad limit", "GET", "/channels/" + c + "/messages?limit=101", ``, 400, `"limit"`},
			{"bad snowflake", "GET", "/channels/" + c + "/messages?after=x", ``, 400, `"after"`},
			{"unknown user", "GET", "/users/1", ``, 404, `"code":10013`},
			{"unknown route", "GET", "/nowhere", ``, 404, `404: Not Found`},
			{"unknown guild", "GET", "/guilds/1", ``, 404, `"code":10004`},
			{"unknown interaction", "POST", "/interactions/1/t/callback", `{"type":4}`, 404, `"code":10062`},
			{"unknown webhook", "PATCH", "/webhooks/1/t/messages/@original", `{}`, 404, `"code":10015`},
			{"another's commands", "PUT", "/applications/1/commands", `[]`, 403, `"code":20012`},
			{"bad command", "PUT", "/applications/" + d.ApplicationID() + "/commands", `[{"name":"Ask me","description":"d"}]`, 400, `INVALID_NAME`},
			{"thread without name", "POST", "/channels/" + c + "/messages/" + m.ID + "/threads", `{}`, 400, `"name"`},
			{"second thread", "POST", "/channels/" + c + "/messages/" + asked + "/threads", `{"name":"b"}`, 400, `"code":160004`},
			{"thread in a thread", "POST", "/channels/" + thread + "/threads", `{"name":"b"}`, 400, `"code":50024`},
		} {
			status, _, body := b.call(t, test.method, test.path, test.body)
			if status != test.status || !strings.Contains(body, test.want) {
				t.Errorf("%s: %d %s, want %d with %s", test.name, status, body, test.status, test.want)
			}
		}
		b.Token = "Bot wrong"
		if status, _, body := b.call(t, "GET", "/users/@me", ""); status != 401 || !strings.Contains(body, "401: Unauthorized") {
			t.Errorf("a wrong token gives %d %s", status, body)
		}
		if got, _ := d.World().Message(c, m.ID); got.Text != "mine" || got.Edits != 0 {
			t.Errorf("refused edits changed the message: %+v", got)
		}
	})
}

func TestDiscordPagesThroughMessages(t *testing.T) {
	d, host := discordServe(t, DiscordOptions{})
	b := discordClient(t, d, host, http.DefaultTransport)
	c := d.World().Channels()[0].ID
	var ids []string
	for range 7 {
		id, err := d.Say("grace", c, "", "x")
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if !slices.IsSortedFunc(ids, discordCompare) {
		t.Fatalf("ids do not rise: %v", ids)
	}
	for _, test := range []struct {
		name, before, after string
		limit               int
		want                []string
	}{
		{"the newest", "", "", 3, ids[4:]},
		{"all", "", "", 100, ids},
		{"before", ids[3], "", 2, ids[1:3]},
		{"after gives the oldest of them", "", ids[2], 2, ids[3:5]},
		{"after everything", "", ids[6], 2, nil},
		{"after a time long ago", "", "1", 100, ids},
	} {
		list, err := b.ChannelMessages(c, test.limit, test.before, test.after, "")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range list {
			got = append(got, m.ID)
		}
		slices.Reverse(got) // answers are newest first
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

func TestDiscordThreadHasTheIDOfItsMessage(t *testing.T) {
	d, b := discordOpen(t, DiscordOptions{})
	c := d.World().Channels()[0].ID
	id, err := d.Say("ada", c, "", "a question")
	if err != nil {
		t.Fatal(err)
	}
	thread, err := b.MessageThreadStart(c, id, "Answers", 60)
	if err != nil {
		t.Fatal(err)
	}
	if thread.ID != id || thread.ParentID != c || !thread.IsThread() || thread.ThreadMetadata == nil {
		t.Errorf("thread = %+v", thread)
	}
	if e := discordNext[*discordgo.ThreadCreate](t, b, nil); e.ID != id || !e.NewlyCreated {
		t.Errorf("THREAD_CREATE = %+v", e)
	}
	if _, err := b.MessageThreadStart(c, id, "Again", 60); discordCode(err) != 160004 {
		t.Errorf("a second thread gives %v", err)
	}
	starter := discordNext[*discordgo.MessageCreate](t, b, func(m *discordgo.MessageCreate) bool { return m.ChannelID == id })
	if starter.Type != discordgo.MessageTypeThreadStarterMessage || starter.ReferencedMessage.ID != id {
		t.Errorf("the thread starts with %+v", starter.Message)
	}
	inside, err := d.Say("linus", "Answers", "", "in the thread")
	if err != nil {
		t.Fatal(err)
	}
	m := discordNext[*discordgo.MessageCreate](t, b, func(m *discordgo.MessageCreate) bool { return m.ID == inside })
	if m.ChannelID != id || m.GuildID != d.GuildID() {
		t.Errorf("a message in the thread came as %+v", m.Message)
	}
	got, err := b.Channel(id)
	if err != nil || got.ParentID != c || got.Name != "Answers" {
		t.Errorf("channel = %+v, %v", got, err)
	}
	list, err := b.GuildThreadsActive(d.GuildID())
	if err != nil || len(list.Threads) != 1 || list.Threads[0].ID != id {
		t.Errorf("active threads = %+v, %v", list, err)
	}
	if err := d.Archive(id, true, false); err != nil {
		t.Fatal(err)
	}
	if _, err := b.ChannelMessageSend(id, "awake"); err != nil {
		t.Fatal(err)
	}
	if got, err = b.Channel(id); err != nil || got.ThreadMetadata.Archived {
		t.Errorf("after a post the thread is still archived: %+v, %v", got, err)
	}
	if w, ok := d.World().Channel(id); !ok || w.Parent != c || w.Name != "Answers" {
		t.Errorf("people see the thread as %+v", w)
	}
	if err := d.RemoveChannel(id); err != nil {
		t.Fatal(err)
	}
	if _, err := b.ChannelMessageSend(id, "gone"); discordCode(err) != 10003 {
		t.Errorf("a post to a deleted thread gives %v", err)
	}
}

func TestDiscordHidesContentFromThoseWithoutTheIntent(t *testing.T) {
	d, host := discordServe(t, DiscordOptions{ForbiddenIntents: discordIntentContent})
	b := discordClient(t, d, host, http.DefaultTransport)
	b.Identify.Intents &^= discordgo.IntentsMessageContent
	b.open(t)
	defer func() { _ = b.Close() }()
	mine, err := b.ChannelMessageSend(d.World().Channels()[0].ID, "mine")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, want string
		send       DiscordSend
	}{
		{"a mention", "<@" + d.BotID() + "> hi", DiscordSend{Channel: "general", Text: "<@" + d.BotID() + "> hi"}},
		{"talk of others", "", DiscordSend{Channel: "general", Text: "<@210000000000000002> hi"}},
		{"an answer that pings", "yes", DiscordSend{Channel: "general", Text: "yes", ReplyTo: mine.ID}},
		{"an answer that does not ping", "", DiscordSend{Channel: "general", Text: "yes", ReplyTo: mine.ID, NoPing: true}},
		{"a DM", "psst", DiscordSend{Channel: d.OpenDM("ada"), Text: "psst"}},
	} {
		test.send.User = "ada"
		id, err := d.Send(test.send)
		if err != nil {
			t.Fatal(err)
		}
		m := discordNext[*discordgo.MessageCreate](t, b, func(m *discordgo.MessageCreate) bool { return m.ID == id })
		if m.Content != test.want {
			t.Errorf("%s came as %q, want %q", test.name, m.Content, test.want)
		}
		if (m.GuildID == "") != (test.name == "a DM") {
			t.Errorf("%s came with the guild %q", test.name, m.GuildID)
		}
		got, err := b.ChannelMessage(m.ChannelID, id)
		if err != nil || got.Content != test.want {
			t.Errorf("%s is %q over REST (%v), want %q", test.name, got.Content, err, test.want)
		}
	}
}

func TestDiscordPeopleEditAndDelete(t *testing.T) {
	d, b := discordOpen(t, DiscordOptions{})
	id, err := d.Say("ada", "general", "", "helo")
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Edit("grace", "general", id, "hacked"); err == nil {
		t.Error("grace could edit what ada wrote")
	}
	if err := d.Edit("ada", "general", id, "hello"); err != nil {
		t.Fatal(err)
	}
	if u := discordNext[*discordgo.MessageUpdate](t, b, nil); u.ID != id || u.Content != "hello" || u.Author == nil {
		t.Errorf("MESSAGE_UPDATE = %+v", u.Message)
	}
	if err := d.Delete("ada", "general", id); err != nil {
		t.Fatal(err)
	}
	if e := discordNext[*discordgo.MessageDelete](t, b, nil); e.ID != id || e.GuildID != d.GuildID() {
		t.Errorf("MESSAGE_DELETE = %+v", e.Message)
	}
	for _, err := range []error{
		d.Edit("ada", "general", id, "x"), d.Delete("ada", "nowhere", id), d.Remove("general", id),
	} {
		if err == nil {
			t.Error("what is not there could be changed")
		}
	}
	if _, err := d.Say("nobody", "general", "", "x"); err == nil {
		t.Error("nobody could write")
	}
	if _, err := d.Say("grace", d.OpenDM("ada"), "", "x"); err == nil {
		t.Error("grace could write in ada's DM")
	}
}

func TestDiscordTakesFiles(t *testing.T) {
	d, b := discordOpen(t, DiscordOptions{})
	c := d.World().Channels()[0].ID
	m, err := b.ChannelFileSendWithMessage(c, "see file", "answer.md", strings.NewReader("# long"))
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Attachments) != 1 || m.Attachments[0].Filename != "answer.md" || m.Attachments[0].Size != 6 || m.Content != "see file" {
		t.Errorf("message = %+v", m)
	}
}
