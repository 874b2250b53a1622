package sandbox

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"
)

func TestDiscordReactionsAreToldBothWays(t *testing.T) {
	discordBubble(t, DiscordOptions{}, func(t *testing.T, d *Discord, b *discordBot) {
		b.Identify.Intents |= discordgo.IntentsGuildMessageReactions | discordgo.IntentsDirectMessageReactions
		b.open(t)
		id, err := d.Say("ada", "general", "", "hi")
		if err != nil {
			t.Fatal(err)
		}
		const general = "220000000000000001"
		if err := d.React("grace", "general", id, "❤️"); err != nil {
			t.Fatal(err)
		}
		e := discordNext[*discordgo.MessageReactionAdd](t, b, nil)
		if e.UserID == "" || e.MessageID != id || e.Emoji.Name != "❤️" || e.Member == nil || e.GuildID != d.GuildID() {
			t.Errorf("told of %+v", e.MessageReaction)
		}
		if err := b.MessageReactionAdd(general, id, "❤"); err != nil {
			t.Fatal(err)
		}
		m, err := b.ChannelMessage(general, id)
		if err != nil || len(m.Reactions) != 1 || m.Reactions[0].Count != 2 || !m.Reactions[0].Me {
			t.Errorf("the message is %+v, %v", m, err)
		}
		seen, _ := d.World().Message(general, id)
		if len(seen.Reactions) != 1 || !slices.Contains(seen.Reactions[0].Users, d.BotID()) || seen.Edits != 0 {
			t.Errorf("people see %+v", seen)
		}
		if err := b.MessageReactionRemove(general, id, "❤️", "@me"); err != nil {
			t.Error(err)
		}
		if err := b.MessageReactionRemove(general, id, "👀", "@me"); discordCode(err) != 10014 {
			t.Errorf("taking away what is not there: %v", err)
		}
		if err := b.MessageReactionAdd(general, id, "thumbsup"); discordCode(err) != 10014 {
			t.Errorf("a word as an emoji: %v", err)
		}
		if err := d.Unreact("grace", "general", id, "❤️"); err != nil {
			t.Fatal(err)
		}
		if e := discordNext(t, b, func(e *discordgo.MessageReactionRemove) bool { return e.UserID != d.BotID() }); e.MessageID != id {
			t.Errorf("told of %+v", e.MessageReaction)
		}
		if seen, _ = d.World().Message(general, id); len(seen.Reactions) != 0 {
			t.Errorf("people see %+v", seen.Reactions)
		}
		if err := d.Unreact("grace", "general", id, "❤️"); err == nil {
			t.Error("it can be taken away twice")
		}
	})
}

func TestDiscordThreadIsArchivedLockedAndJoined(t *testing.T) {
	discordBubble(t, DiscordOptions{}, func(t *testing.T, d *Discord, b *discordBot) {
		b.open(t)
		id, err := d.Say("ada", "general", "", "hi")
		if err != nil {
			t.Fatal(err)
		}
		c, err := b.MessageThreadStart("220000000000000001", id, "about hi", 60)
		if err != nil || c.ID != id {
			t.Fatalf("%+v, %v", c, err)
		}
		m, err := b.ChannelMessageSend(c.ID, "hello <@210000000000000002>")
		if err != nil {
			t.Fatal(err)
		}
		if list, err := b.ThreadMembers(c.ID, 10, false, ""); err != nil || len(list) != 2 {
			t.Errorf("members %+v, %v", list, err)
		}
		if err := d.RemoveFromThread(c.ID, "grace"); err != nil {
			t.Error(err)
		}
		if err := b.ThreadMemberAdd(c.ID, "210000000000000003"); err != nil {
			t.Error(err)
		}
		edit := func() error { _, err := b.ChannelMessageEdit(c.ID, m.ID, "x"); return err }
		state := func(body string) int {
			status, _, text := b.call(t, "PATCH", "/channels/"+c.ID, body)
			if status != 200 && !strings.Contains(text, `"code"`) {
				t.Errorf("%s: %s", body, text)
			}
			return status
		}
		if state(`{"archived":true}`) != 200 || discordCode(edit()) != 50083 || discordCode(b.MessageReactionAdd(c.ID, m.ID, "👍")) != 50083 {
			t.Error("an archived thread is edited in")
		}
		if state(`{"name":"x"}`) != 400 || state(`{"archived":false}`) != 200 || edit() != nil {
			t.Error("a thread at rest is not reopened")
		}
		if state(`{"locked":true}`) != 403 || state(`{"name":""}`) != 400 || state(`{"name":"new"}`) != 200 || state(`{"auto_archive_duration":7}`) != 400 {
			t.Error("the thread takes what it should not, or not what it should")
		}
		if err := d.Archive(c.ID, true, true); err != nil {
			t.Fatal(err)
		}
		if state(`{"archived":false}`) != 403 {
			t.Error("a locked thread is reopened")
		}
		if _, err := b.ChannelMessageSend(c.ID, "x"); discordCode(err) != 160005 {
			t.Errorf("posting in a locked thread: %v", err)
		}
		if err := d.Allow("general", DiscordManageThreads); err != nil {
			t.Fatal(err)
		}
		if state(`{"archived":false,"locked":false}`) != 200 || edit() != nil {
			t.Error("who manages threads cannot unlock one")
		}
	})
}

func TestDiscordPermissionsAreEnforced(t *testing.T) {
	for name, c := range map[string]struct {
		deny DiscordPermission
		do   func(b *discordBot, channel, message, thread string) error
		code int
	}{
		"see":                {DiscordViewChannel, func(b *discordBot, ch, _, _ string) error { _, err := b.Channel(ch); return err }, 50001},
		"see a thread of it": {DiscordViewChannel, func(b *discordBot, _, _, th string) error { _, err := b.Channel(th); return err }, 50001},
		"write":              {DiscordSendMessages, func(b *discordBot, ch, _, _ string) error { _, err := b.ChannelMessageSend(ch, "x"); return err }, 50013},
		"type":               {DiscordSendMessages, func(b *discordBot, ch, _, _ string) error { return b.ChannelTyping(ch) }, 50013},
		"write in a thread":  {DiscordSendInThreads, func(b *discordBot, _, _, th string) error { _, err := b.ChannelMessageSend(th, "x"); return err }, 50013},
		"write beside it":    {DiscordSendInThreads, func(b *discordBot, ch, _, _ string) error { _, err := b.ChannelMessageSend(ch, "x"); return err }, -1},
		"start a thread": {DiscordCreatePublicThreads, func(b *discordBot, ch, m, _ string) error {
			_, err := b.MessageThreadStart(ch, m, "x", 60)
			return err
		}, 50013},
		"react": {DiscordAddReactions, func(b *discordBot, ch, m, _ string) error { return b.MessageReactionAdd(ch, m, "👍") }, 50013},
		"embed": {DiscordEmbedLinks, func(b *discordBot, ch, _, _ string) error {
			_, err := b.ChannelMessageSendEmbed(ch, &discordgo.MessageEmbed{Title: "x"})
			return err
		}, 50013},
		"attach": {DiscordAttachFiles, func(b *discordBot, ch, _, _ string) error {
			_, err := b.ChannelFileSend(ch, "x.txt", strings.NewReader("x"))
			return err
		}, 50013},
		"reply": {DiscordReadMessageHistory, func(b *discordBot, ch, m, _ string) error {
			_, err := b.ChannelMessageSendReply(ch, "x", &discordgo.MessageReference{MessageID: m})
			return err
		}, 160002},
		"read":             {DiscordReadMessageHistory, func(b *discordBot, ch, m, _ string) error { _, err := b.ChannelMessage(ch, m); return err }, 50013},
		"delete another's": {DiscordEmbedLinks, func(b *discordBot, ch, m, _ string) error { return b.ChannelMessageDelete(ch, m) }, 50013},
	} {
		t.Run(name, func(t *testing.T) {
			discordBubble(t, DiscordOptions{}, func(t *testing.T, d *Discord, b *discordBot) {
				b.open(t)
				const general = "220000000000000001"
				id, err := d.Say("ada", "general", "", "hi")
				if err != nil {
					t.Fatal(err)
				}
				thread, err := d.StartThread("ada", "general", "", "a thread")
				if err != nil {
					t.Fatal(err)
				}
				if err := d.Deny("general", c.deny); err != nil {
					t.Fatal(err)
				}
				if err := c.do(b, general, id, thread); discordCode(err) != c.code {
					t.Errorf("denied: %v, want code %d", err, c.code)
				}
				if err := d.Allow("general", c.deny|DiscordManageMessages); err != nil {
					t.Fatal(err)
				}
				if err := c.do(b, general, id, thread); err != nil {
					t.Errorf("allowed: %v", err)
				}
			})
		})
	}
}

func TestDiscordOldMessagesTakeFewEdits(t *testing.T) {
	discordBubble(t, DiscordOptions{}, func(t *testing.T, _ *Discord, b *discordBot) {
		b.open(t)
		const general = "220000000000000001"
		m, err := b.ChannelMessageSend(general, "x")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(61 * time.Minute)
		edit := func() (int, string) {
			time.Sleep(2 * time.Second)
			status, _, body := b.call(t, "PATCH", "/channels/"+general+"/messages/"+m.ID, `{"content":"y"}`)
			return status, body
		}
		for range 3 {
			if status, body := edit(); status != 200 {
				t.Fatal(body)
			}
		}
		if status, body := edit(); status != 429 || !strings.Contains(body, "30046") || !strings.Contains(body, "retry_after") {
			t.Errorf("the fourth edit: %d %s", status, body)
		}
		time.Sleep(time.Hour)
		if status, body := edit(); status != 200 {
			t.Errorf("an hour later: %s", body)
		}
	})
}

func TestDiscordGuildIsJoinedAndLeft(t *testing.T) {
	discordBubble(t, DiscordOptions{NotInGuild: true}, func(t *testing.T, d *Discord, b *discordBot) {
		b.open(t)
		if e := discordNext[*discordgo.Ready](t, b, nil); len(e.Guilds) != 0 {
			t.Errorf("READY names %+v", e.Guilds)
		}
		const general = "220000000000000001"
		if _, err := b.ChannelMessageSend(general, "x"); discordCode(err) != 50001 {
			t.Errorf("before it was invited: %v", err)
		}
		began := time.Now()
		if err := d.Invite(); err != nil {
			t.Fatal(err)
		}
		e := discordNext[*discordgo.GuildCreate](t, b, nil)
		if e.JoinedAt.Before(began.Add(-time.Second)) || e.SystemChannelID != general || len(e.Channels) != 2 {
			t.Errorf("joined %+v at %v", e.Guild, e.JoinedAt)
		}
		if m := discordNext[*discordgo.MessageCreate](t, b, nil); m.Type != discordgo.MessageTypeGuildMemberJoin || m.Author.ID != d.BotID() {
			t.Errorf("Discord's word is %+v", m.Message)
		}
		if len(d.World().Messages(general)) != 0 {
			t.Error("people see an empty message")
		}
		if _, err := b.ChannelMessageSend(e.SystemChannelID, "hello, all"); err != nil {
			t.Error(err)
		}
		d.Outage(true)
		if e := discordNext[*discordgo.GuildDelete](t, b, nil); !e.Unavailable {
			t.Errorf("told of %+v", e.Guild)
		}
		d.Outage(false)
		if e := discordNext[*discordgo.GuildCreate](t, b, nil); e.ID != d.GuildID() {
			t.Errorf("told of %+v", e.Guild)
		}
		if err := d.Kick(); err != nil {
			t.Fatal(err)
		}
		if e := discordNext[*discordgo.GuildDelete](t, b, nil); e.ID != d.GuildID() || e.Unavailable {
			t.Errorf("told of %+v", e.Guild)
		}
		if _, err := b.ChannelMessageSend(general, "x"); discordCode(err) != 50001 {
			t.Errorf("after it was thrown out: %v", err)
		}
		if err := d.Kick(); err == nil {
			t.Error("it can be thrown out twice")
		}
	})
}

func TestDiscordTellsOfModerationAndPreviews(t *testing.T) {
	discordBubble(t, DiscordOptions{}, func(t *testing.T, d *Discord, b *discordBot) {
		b.open(t)
		var ids []string
		for range 3 {
			id, err := d.Say("ada", "general", "", "see https://example.com/")
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, id)
		}
		if err := d.Unfurl("general", ids[0], "https://example.com/", "Example"); err != nil {
			t.Fatal(err)
		}
		if e := discordNext[*discordgo.MessageUpdate](t, b, nil); e.Author != nil || e.Content != "" || len(e.Embeds) != 1 || e.Embeds[0].Title != "Example" {
			t.Errorf("the preview came as %+v", e.Message)
		}
		if m, err := b.ChannelMessage("220000000000000001", ids[0]); err != nil || len(m.Embeds) != 1 || m.EditedTimestamp != nil {
			t.Errorf("the message is %+v, %v", m, err)
		}
		if err := d.Purge("general", ids[0], ids[2]); err != nil {
			t.Fatal(err)
		}
		if e := discordNext[*discordgo.MessageDeleteBulk](t, b, nil); !slices.Equal(e.Messages, []string{ids[0], ids[2]}) {
			t.Errorf("told of %+v", e)
		}
		if list := d.World().Messages("220000000000000001"); len(list) != 1 || list[0].ID != ids[1] {
			t.Errorf("people see %+v", list)
		}
	})
}

func TestDiscordForumPostIsAThread(t *testing.T) {
	discordBubble(t, DiscordOptions{}, func(t *testing.T, d *Discord, b *discordBot) {
		b.open(t)
		forum := d.AddForum("help")
		id, err := d.StartPost("ada", "help", "It does not work", "<@"+d.BotID()+"> why?")
		if err != nil {
			t.Fatal(err)
		}
		m := discordNext[*discordgo.MessageCreate](t, b, nil)
		c, err := b.Channel(m.ChannelID)
		if err != nil || m.ID != id || c.ID != id || c.ParentID != forum || c.Name != "It does not work" {
			t.Errorf("%+v in %+v, %v", m.Message, c, err)
		}
		if _, err := b.ChannelMessageSend(id, "because"); err != nil {
			t.Error(err)
		}
		if _, err := b.ChannelMessageSend(forum, "x"); discordCode(err) != 50008 {
			t.Errorf("writing in the forum itself: %v", err)
		}
		if _, err := d.Say("ada", "help", "", "x"); err == nil {
			t.Error("a person writes in the forum itself")
		}
	})
}
