package sandbox

import (
	"errors"
	"strings"
	"testing"

	"github.com/bwmarrin/discordgo"
)

var discordEveryKind = []*discordgo.ApplicationCommand{
	discordAsk[0],
	{Name: "model", Description: "Pick a model", Options: []*discordgo.ApplicationCommandOption{
		{Type: discordgo.ApplicationCommandOptionString, Name: "name", Description: "Which", Autocomplete: true, MinLength: new(2), MaxLength: 9},
		{Type: discordgo.ApplicationCommandOptionString, Name: "for", Description: "What for", Choices: []*discordgo.ApplicationCommandOptionChoice{
			{Name: "This session", Value: "session"}, {Name: "Me", Value: "user"},
		}},
		{Type: discordgo.ApplicationCommandOptionInteger, Name: "heat", Description: "How hot", MinValue: new(float64(0)), MaxValue: 10},
		{Type: discordgo.ApplicationCommandOptionUser, Name: "who", Description: "Whose"},
		{Type: discordgo.ApplicationCommandOptionAttachment, Name: "file", Description: "What to read"},
	}},
	{Name: "session", Description: "This session", Options: []*discordgo.ApplicationCommandOption{
		{Type: discordgo.ApplicationCommandOptionSubCommand, Name: "reset", Description: "Begin anew"},
		{Type: discordgo.ApplicationCommandOptionSubCommandGroup, Name: "export", Description: "As a file", Options: []*discordgo.ApplicationCommandOption{
			{Type: discordgo.ApplicationCommandOptionSubCommand, Name: "as", Description: "In a format", Options: []*discordgo.ApplicationCommandOption{
				{Type: discordgo.ApplicationCommandOptionString, Name: "format", Description: "Which", Required: true},
			}},
		}},
	}},
	{Name: "forget", Description: "For administrators", DefaultMemberPermissions: new(int64(discordgo.PermissionManageGuild))},
	{Name: "here", Description: "In servers only", Contexts: &[]discordgo.InteractionContextType{discordgo.InteractionContextGuild}},
	{Name: "Ask bobbin about this", Type: discordgo.MessageApplicationCommand},
	{Name: "Who is this?", Type: discordgo.UserApplicationCommand},
}

func TestDiscordCommandsOfEveryKind(t *testing.T) {
	discordBubble(t, DiscordOptions{}, func(t *testing.T, d *Discord, b *discordBot) {
		b.open(t)
		if _, err := b.ApplicationCommandBulkOverwrite(d.ApplicationID(), "", discordEveryKind); err != nil {
			t.Fatal(err)
		}
		answer := func(i *discordgo.InteractionCreate, done chan error, r *discordgo.InteractionResponse) {
			t.Helper()
			if r == nil {
				r = &discordgo.InteractionResponse{Type: discordgo.InteractionResponseChannelMessageWithSource, Data: &discordgo.InteractionResponseData{Content: "ok"}}
			}
			if err := b.InteractionRespond(i.Interaction, r); err != nil {
				t.Fatal(err)
			}
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}

		i, done := discordActs(t, b, func() error {
			return d.Command("ada", "general", "session export as", map[string]string{"format": "json"})
		})
		data := i.ApplicationCommandData()
		if data.Name != "session" || data.Options[0].Name != "export" || data.Options[0].Options[0].Name != "as" || data.Options[0].Options[0].Options[0].StringValue() != "json" {
			t.Errorf("a subcommand: %+v", data)
		}
		answer(i, done, nil)
		list := d.World().Messages(i.ChannelID)
		if m := list[len(list)-1]; m.Used != "/session export as" {
			t.Errorf("people see %+v", m)
		}

		i, done = discordActs(t, b, func() error {
			return d.Use(DiscordUse{User: "ada", Channel: "general", Name: "model", Options: map[string]string{"name": "glm", "for": "Me", "heat": "3", "who": "grace"},
				Files: map[string]DiscordUpload{"file": {Name: "a.txt", Data: []byte("hello")}}})
		})
		data = i.ApplicationCommandData()
		option := func(name string) *discordgo.ApplicationCommandInteractionDataOption { return data.GetOption(name) }
		if option("for").StringValue() != "user" || option("heat").IntValue() != 3 || data.Resolved.Users[option("who").UserValue(nil).ID].Username != "grace" {
			t.Errorf("options: %+v", data)
		}
		file := data.Resolved.Attachments[option("file").Value.(string)]
		if file == nil || file.Filename != "a.txt" || !file.Ephemeral || discordFetch(t, b, file.URL) != "hello" {
			t.Errorf("the file is %+v", file)
		}
		answer(i, done, nil)

		id, err := d.Say("grace", "general", "", "what a day")
		if err != nil {
			t.Fatal(err)
		}
		i, done = discordActs(t, b, func() error { return d.UseOnMessage("ada", "general", "Ask bobbin about this", id) })
		data = i.ApplicationCommandData()
		if m := data.Resolved.Messages[data.TargetID]; data.CommandType != discordgo.MessageApplicationCommand || m == nil || m.Content != "what a day" || m.Author.Username != "grace" {
			t.Errorf("on a message: %+v", data)
		}
		answer(i, done, nil)
		i, done = discordActs(t, b, func() error { return d.UseOnUser("ada", "general", "Who is this?", "grace") })
		data = i.ApplicationCommandData()
		if u := data.Resolved.Users[data.TargetID]; data.CommandType != discordgo.UserApplicationCommand || u == nil || u.Username != "grace" || data.Resolved.Members[u.ID] == nil {
			t.Errorf("on a user: %+v", data)
		}
		answer(i, done, nil)

		for name, act := range map[string]func() error{
			"a command with subcommands alone": func() error { return d.Command("ada", "general", "session", nil) },
			"an unknown subcommand":            func() error { return d.Command("ada", "general", "session export never", nil) },
			"text that is too short":           func() error { return d.Command("ada", "general", "model", map[string]string{"name": "x"}) },
			"no choice":                        func() error { return d.Command("ada", "general", "model", map[string]string{"for": "you"}) },
			"a number out of range":            func() error { return d.Command("ada", "general", "model", map[string]string{"heat": "11"}) },
			"a file that is text":              func() error { return d.Command("ada", "general", "model", map[string]string{"file": "x"}) },
			"without permission":               func() error { return d.Command("ada", "general", "forget", nil) },
			"a server's command in a DM":       func() error { return d.Command("ada", d.OpenDM("ada"), "here", nil) },
			"a message's entry typed":          func() error { return d.Command("ada", "general", "Ask bobbin about this", nil) },
			"on no message":                    func() error { return d.UseOnMessage("ada", "general", "Ask bobbin about this", "7") },
			"on nobody":                        func() error { return d.UseOnUser("ada", "general", "Who is this?", "zoe") },
			"no suggestions":                   func() error { _, err := d.Autocomplete("ada", "general", "model", nil, "heat"); return err },
		} {
			if err := act(); err == nil || errors.Is(err, ErrDiscordNoAnswer) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := d.Grant("ada", DiscordManageGuild); err != nil {
			t.Fatal(err)
		}
		i, done = discordActs(t, b, func() error { return d.Command("ada", "general", "forget", nil) })
		if i.Member.Permissions&discordgo.PermissionManageGuild == 0 {
			t.Errorf("member: %+v", i.Member)
		}
		answer(i, done, nil)
		for channel, want := range map[string]int{"general": 6, d.OpenDM("grace"): 6} {
			if list, err := d.CommandsFor("grace", channel); err != nil || len(list) != want {
				t.Errorf("grace can use %+v, %v", list, err)
			}
		}
	})
}

func TestDiscordSuggestsWhileAPersonTypes(t *testing.T) {
	discordBubble(t, DiscordOptions{}, func(t *testing.T, d *Discord, b *discordBot) {
		b.open(t)
		if _, err := b.ApplicationCommandBulkOverwrite(d.ApplicationID(), "", discordEveryKind); err != nil {
			t.Fatal(err)
		}
		var got []DiscordChoice
		i, done := discordActs(t, b, func() (err error) {
			got, err = d.Autocomplete("ada", "general", "model", map[string]string{"for": "Me", "name": "g", "heat": "1x"}, "name")
			return err
		})
		data := i.ApplicationCommandData()
		if o := data.GetOption("name"); i.Type != discordgo.InteractionApplicationCommandAutocomplete || o == nil || !o.Focused || o.StringValue() != "g" || data.GetOption("for").Focused {
			t.Errorf("%+v", data)
		}
		suggest := func(choices string) (int, string) {
			status, _, body := b.call(t, "POST", "/interactions/"+i.ID+"/"+i.Token+"/callback", `{"type":8,"data":{"choices":`+choices+`}}`)
			return status, body
		}
		for name, choices := range map[string]string{
			"no list":    `{}`,
			"nothing":    `null`,
			"a number":   `[{"name":"a","value":1}]`,
			"no name":    `[{"value":"a"}]`,
			"a long one": `[{"name":"a","value":"` + strings.Repeat("x", 101) + `"}]`,
			"too many":   `[` + strings.Repeat(`{"name":"a","value":"a"},`, 25) + `{"name":"a","value":"a"}]`,
		} {
			if status, body := suggest(choices); status != 400 {
				t.Errorf("%s: %d %s", name, status, body)
			}
		}
		if status, body := suggest(`[{"name":"GLM flash","value":"glm"}]`); status != 204 || <-done != nil {
			t.Fatalf("%d %s", status, body)
		}
		if len(got) != 1 || got[0].Name != "GLM flash" || got[0].Text() != "glm" {
			t.Errorf("ada sees %+v", got)
		}
		if n := len(d.World().Messages("220000000000000001")); n != 0 {
			t.Errorf("%d messages were posted", n)
		}
	})
}

func TestDiscordRefusesBadCommands(t *testing.T) {
	option := func(fields string) string {
		return `{"name":"a","description":"a","options":[{"name":"o","description":"o",` + fields + `}]}`
	}
	many := `"options":[` + strings.Repeat(`{"type":3,"name":"o","description":"o"},`, 25) + `{"type":3,"name":"o","description":"o"}]`
	for name, c := range map[string]struct{ command, words string }{
		"no object":                  {`[]`, "MODEL_TYPE_CONVERT"},
		"nothing":                    {`null`, "MODEL_TYPE_CONVERT"},
		"an upper-case name":         {`{"name":"Ask","description":"a"}`, "APPLICATION_COMMAND_INVALID_NAME"},
		"a name with a space":        {`{"name":"a b","description":"a"}`, "APPLICATION_COMMAND_INVALID_NAME"},
		"a long name":                {`{"name":"` + strings.Repeat("a", 33) + `","description":"a"}`, "APPLICATION_COMMAND_INVALID_NAME"},
		"no description":             {`{"name":"a"}`, "description"},
		"a menu with a description":  {`{"type":3,"name":"A b","description":"x"}`, "CONTEXT_MENU_DESCRIPTION"},
		"a menu with options":        {`{"type":2,"name":"A b","options":[{"type":3,"name":"o","description":"o"}]}`, "CONTEXT_MENU_OPTIONS"},
		"an unknown kind":            {`{"type":9,"name":"a","description":"a"}`, "BASE_TYPE_CHOICES"},
		"too many options":           {`{"name":"a","description":"a",` + many + `}`, "25 or fewer"},
		"one name twice":             {`{"name":"a","description":"a","options":[{"type":3,"name":"o","description":"o"},{"type":3,"name":"o","description":"o"}]}`, "ALREADY_EXISTS"},
		"an unknown type":            {option(`"type":12`), "BASE_TYPE_CHOICES"},
		"choices and autocomplete":   {option(`"type":3,"autocomplete":true,"choices":[{"name":"a","value":"a"}]`), "AUTOCOMPLETE"},
		"choices of yes or no":       {option(`"type":5,"choices":[{"name":"a","value":"a"}]`), "CHOICES_TYPE"},
		"a choice of another type":   {option(`"type":4,"choices":[{"name":"a","value":"a"}]`), "NUMBER_TYPE_COERCE"},
		"a subcommand beside text":   {`{"name":"a","description":"a","options":[{"type":1,"name":"o","description":"o"},{"type":3,"name":"p","description":"o"}]}`, "mutually exclusive"},
		"groups in groups":           {option(`"type":2,"options":[{"type":2,"name":"p","description":"p"}]`), "mutually exclusive"},
		"a subcommand in another":    {option(`"type":1,"options":[{"type":1,"name":"p","description":"p"}]`), "mutually exclusive"},
		"permissions that are words": {`{"name":"a","description":"a","default_member_permissions":"all"}`, "default_member_permissions"},
		"an unknown context":         {`{"name":"a","description":"a","contexts":[3]}`, "contexts"},
	} {
		got, fail := readCommand([]byte(c.command), "", "0.")
		if fail == nil {
			t.Errorf("%s passes as %+v", name, got)
		} else if body := string(discordJSON(fail.body)); !strings.Contains(body, c.words) || !strings.Contains(body, `"errors":{"0":`) {
			t.Errorf("%s: %s", name, body)
		}
	}
	discordBubble(t, DiscordOptions{}, func(t *testing.T, d *Discord, b *discordBot) {
		status := func(n int) int {
			list := strings.TrimSuffix(strings.Repeat("?,", n), ",")
			for i := range n {
				list = strings.Replace(list, "?", `{"type":3,"name":"Menu `+string(rune('a'+i))+`"}`, 1)
			}
			s, _, _ := b.call(t, "PUT", "/applications/"+d.ApplicationID()+"/commands", "["+list+"]")
			return s
		}
		if status(15) != 200 || status(16) != 400 {
			t.Error("a scope takes 15 entries for messages' menus")
		}
		if list, err := b.ApplicationCommands(d.ApplicationID(), ""); err != nil || len(list) != 15 {
			t.Errorf("%d commands, %v", len(list), err)
		} else if err := b.ApplicationCommandDelete(d.ApplicationID(), "", list[0].ID); err != nil {
			t.Error(err)
		} else if err := b.ApplicationCommandDelete(d.ApplicationID(), "", list[0].ID); discordCode(err) != 10063 {
			t.Errorf("deleting it again: %v", err)
		}
	})
}
