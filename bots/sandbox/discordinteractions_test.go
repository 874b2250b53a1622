package sandbox

import (
	"errors"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"
)

var discordAsk = []*discordgo.ApplicationCommand{{
	Name: "ask", Description: "Ask a question",
	Options: []*discordgo.ApplicationCommandOption{
		{Type: discordgo.ApplicationCommandOptionString, Name: "question", Description: "What to ask", Required: true},
		{Type: discordgo.ApplicationCommandOptionInteger, Name: "times", Description: "How often"},
		{Type: discordgo.ApplicationCommandOptionBoolean, Name: "private", Description: "For you alone"},
	},
}}

// discordRegister opens the client and registers /ask.
func discordRegister(t *testing.T, d *Discord, b *discordBot) {
	t.Helper()
	b.open(t)
	if _, err := b.ApplicationCommandBulkOverwrite(d.ApplicationID(), "", discordAsk); err != nil {
		t.Fatal(err)
	}
}

// discordUse runs /ask beside the test, which answers it.
func discordUse(t *testing.T, d *Discord, b *discordBot, channel string, options map[string]string) (*discordgo.InteractionCreate, chan error) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- d.Command("ada", channel, "/ask", options) }()
	return discordNext[*discordgo.InteractionCreate](t, b, nil), done
}

func TestDiscordCommandIsAnswered(t *testing.T) {
	discordBubble(t, DiscordOptions{}, func(t *testing.T, d *Discord, b *discordBot) {
		discordRegister(t, d, b)
		i, done := discordUse(t, d, b, "general", map[string]string{"question": "why?", "times": "2", "private": "true"})
		data := i.ApplicationCommandData()
		if data.Name != "ask" || len(data.Options) != 3 || data.Options[0].StringValue() != "why?" ||
			data.Options[1].IntValue() != 2 || !data.Options[2].BoolValue() {
			t.Errorf("data = %+v", data)
		}
		if i.Member == nil || i.Member.User.Username != "ada" || i.User != nil || i.GuildID != d.GuildID() || i.AppID != d.ApplicationID() {
			t.Errorf("interaction = %+v", i.Interaction)
		}
		answer := &discordgo.InteractionResponse{
			Type: discordgo.InteractionResponseChannelMessageWithSource,
			Data: &discordgo.InteractionResponseData{Content: "because"},
		}
		if err := b.InteractionRespond(i.Interaction, answer); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Errorf("Command = %v", err)
		}
		if err := b.InteractionRespond(i.Interaction, answer); discordCode(err) != 40060 {
			t.Errorf("a second answer gives %v", err)
		}
		m, err := b.InteractionResponse(i.Interaction)
		if err != nil || m.Content != "because" || m.Author.ID != d.BotID() {
			t.Errorf("@original = %+v, %v", m, err)
		}
		if seen, ok := d.World().Message(i.ChannelID, m.ID); !ok || seen.Text != "because" || seen.OnlyFor != "" {
			t.Errorf("people see %+v", seen)
		}
		if e := discordNext[*discordgo.MessageCreate](t, b, nil); e.ID != m.ID {
			t.Errorf("MESSAGE_CREATE for %s", e.ID)
		}
		text := "edited as a plain message"
		edit := &discordgo.MessageEdit{ID: m.ID, Channel: m.ChannelID, Content: &text}
		if _, err := b.ChannelMessageEditComplex(edit); err != nil {
			t.Errorf("editing the answer by the bot's own token: %v", err)
		}
	})
}

func TestDiscordDeferredAnswerIsPendingUntilEdited(t *testing.T) {
	for _, private := range []bool{false, true} {
		discordBubble(t, DiscordOptions{}, func(t *testing.T, d *Discord, b *discordBot) {
			discordRegister(t, d, b)
			i, done := discordUse(t, d, b, d.OpenDM("ada"), map[string]string{"question": "why?"})
			if i.Member != nil || i.User == nil || i.User.Username != "ada" || i.GuildID != "" {
				t.Errorf("interaction in a DM = %+v", i.Interaction)
			}
			later := &discordgo.InteractionResponse{
				Type: discordgo.InteractionResponseDeferredChannelMessageWithSource,
				Data: &discordgo.InteractionResponseData{},
			}
			if private {
				later.Data.Flags = discordgo.MessageFlagsEphemeral
			}
			if err := b.InteractionRespond(i.Interaction, later); err != nil {
				t.Fatal(err)
			}
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			m := d.World().Messages(i.ChannelID)[0]
			if !m.Pending || (m.OnlyFor != "") != private {
				t.Errorf("deferred: %+v", m)
			}
			time.Sleep(14 * time.Minute)
			text := "at last"
			if _, err := b.InteractionResponseEdit(i.Interaction, &discordgo.WebhookEdit{Content: &text}); err != nil {
				t.Fatal(err)
			}
			if m = d.World().Messages(i.ChannelID)[0]; m.Pending || m.Text != text || (m.OnlyFor != "") != private {
				t.Errorf("edited: %+v", m)
			}
			if _, err := b.ChannelMessage(i.ChannelID, m.ID); (discordCode(err) == 10008) != private {
				t.Errorf("the bot reading the answer as a message: %v", err)
			}
			more, err := b.FollowupMessageCreate(i.Interaction, true, &discordgo.WebhookParams{Content: "and"})
			if err != nil || more.ID == m.ID {
				t.Errorf("followup = %+v, %v", more, err)
			}
			if err := b.FollowupMessageDelete(i.Interaction, more.ID); err != nil {
				t.Error(err)
			}
			time.Sleep(2 * time.Minute)
			if _, err := b.InteractionResponseEdit(i.Interaction, &discordgo.WebhookEdit{Content: &text}); discordCode(err) != 50027 {
				t.Errorf("an edit after 16 minutes gives %v", err)
			}
		})
	}
}

func TestDiscordFirstFollowupFillsADeferredAnswer(t *testing.T) {
	discordBubble(t, DiscordOptions{}, func(t *testing.T, d *Discord, b *discordBot) {
		discordRegister(t, d, b)
		i, done := discordUse(t, d, b, "general", map[string]string{"question": "why?"})
		err := b.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{Type: discordgo.InteractionResponseDeferredChannelMessageWithSource})
		if err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if _, err := b.FollowupMessageCreate(i.Interaction, true, &discordgo.WebhookParams{Content: "so"}); err != nil {
			t.Fatal(err)
		}
		if list := d.World().Messages(i.ChannelID); len(list) != 1 || list[0].Pending || list[0].Text != "so" {
			t.Errorf("people see %+v", list)
		}
	})
}

func TestDiscordLateAnswerIsRefused(t *testing.T) {
	discordBubble(t, DiscordOptions{}, func(t *testing.T, d *Discord, b *discordBot) {
		discordRegister(t, d, b)
		began := time.Now()
		i, done := discordUse(t, d, b, "general", map[string]string{"question": "why?"})
		if err := <-done; !errors.Is(err, ErrDiscordNoAnswer) {
			t.Errorf("Command = %v", err)
		}
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("it waited %v, want 3 s", took)
		}
		err := b.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{
			Type: discordgo.InteractionResponseChannelMessageWithSource,
			Data: &discordgo.InteractionResponseData{Content: "sorry"},
		})
		if discordCode(err) != 10062 {
			t.Errorf("a late answer gives %v", err)
		}
	})
}

func TestDiscordCommandMustBeRegistered(t *testing.T) {
	d, b := discordOpen(t, DiscordOptions{})
	if err := d.Command("ada", "general", "ask", nil); err == nil {
		t.Error("a command that nobody registered works")
	}
	first, err := b.ApplicationCommandBulkOverwrite(d.ApplicationID(), d.GuildID(), discordAsk)
	if err != nil {
		t.Fatal(err)
	}
	again, err := b.ApplicationCommandBulkOverwrite(d.ApplicationID(), d.GuildID(), discordAsk)
	if err != nil || again[0].ID != first[0].ID {
		t.Errorf("registered again: %+v, %v", again, err)
	}
	got, err := b.ApplicationCommands(d.ApplicationID(), d.GuildID())
	if err != nil || len(got) != 1 || len(got[0].Options) != 3 || got[0].Description != "Ask a question" {
		t.Errorf("commands = %+v, %v", got, err)
	}
	if list := d.Commands(); len(list) != 1 || list[0].Name != "ask" || !list[0].Options[0].Required {
		t.Errorf("people see %+v", list)
	}
	for name, options := range map[string]map[string]string{
		"a missing option":  {},
		"an unknown option": {"question": "x", "colour": "red"},
		"a bad number":      {"question": "x", "times": "many"},
	} {
		if err := d.Command("ada", "general", "ask", options); err == nil || errors.Is(err, ErrDiscordNoAnswer) {
			t.Errorf("with %s: %v", name, err)
		}
	}
	if err := d.Command("ada", d.OpenDM("ada"), "ask", map[string]string{"question": "x"}); err == nil {
		t.Error("a guild's command works in a DM")
	}
	if n := d.Calls("PUT /applications/{application}/guilds/{guild}/commands"); n != 2 {
		t.Errorf("Calls = %d", n)
	}
}
