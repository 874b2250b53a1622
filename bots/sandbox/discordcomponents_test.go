package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"
)

// discordActs lets a person act beside the test, which answers the interaction.
func discordActs(t *testing.T, b *discordBot, act func() error) (*discordgo.InteractionCreate, chan error) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- act() }()
	return discordNext[*discordgo.InteractionCreate](t, b, nil), done
}

func discordRows() []discordgo.MessageComponent {
	return []discordgo.MessageComponent{
		discordgo.ActionsRow{Components: []discordgo.MessageComponent{
			discordgo.Button{Label: "Stop", Style: discordgo.DangerButton, CustomID: "stop:1"},
			discordgo.Button{Emoji: &discordgo.ComponentEmoji{Name: "👍"}, Style: discordgo.SecondaryButton, CustomID: "up:1"},
			discordgo.Button{Label: "Old", Style: discordgo.PrimaryButton, CustomID: "old:1", Disabled: true},
			discordgo.Button{Label: "Read", Style: discordgo.LinkButton, URL: "https://example.com/"},
		}},
		discordgo.ActionsRow{Components: []discordgo.MessageComponent{
			discordgo.SelectMenu{CustomID: "model", Placeholder: "Pick one", Options: []discordgo.SelectMenuOption{
				{Label: "Fast", Value: "m-1", Default: true}, {Label: "Large", Value: "m-2", Description: "slower"},
			}},
		}},
	}
}

func discordPostRows(t *testing.T, b *discordBot, channel string) *discordgo.Message {
	t.Helper()
	m, err := b.ChannelMessageSendComplex(channel, &discordgo.MessageSend{Content: "hello", Components: discordRows()})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestDiscordButtonsAndMenusTellTheBot(t *testing.T) {
	discordBubble(t, DiscordOptions{}, func(t *testing.T, d *Discord, b *discordBot) {
		b.open(t)
		m := discordPostRows(t, b, "220000000000000001")
		seen, _ := d.World().Message(m.ChannelID, m.ID)
		var rows []struct {
			Components []struct {
				CustomID string `json:"custom_id"`
			} `json:"components"`
		}
		if json.Unmarshal([]byte(seen.Components), &rows) != nil || len(rows) != 2 || rows[0].Components[1].CustomID != "up:1" {
			t.Fatalf("people see %s", seen.Components)
		}

		i, done := discordActs(t, b, func() error { return d.Press("grace", "general", m.ID, "Stop") })
		data := i.MessageComponentData()
		if i.Type != discordgo.InteractionMessageComponent || data.CustomID != "stop:1" || data.ComponentType != discordgo.ButtonComponent ||
			i.Message == nil || i.Message.ID != m.ID || i.Member.User.Username != "grace" || i.Token == "" {
			t.Errorf("pressed: %+v, %+v", i.Interaction, data)
		}
		none := []discordgo.MessageComponent{}
		err := b.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{
			Type: discordgo.InteractionResponseUpdateMessage,
			Data: &discordgo.InteractionResponseData{Content: "stopped", Components: none},
		})
		if err != nil || <-done != nil {
			t.Fatalf("update: %v", err)
		}
		if seen, _ = d.World().Message(m.ChannelID, m.ID); seen.Text != "stopped" || seen.Components != "" {
			t.Errorf("people see %+v", seen)
		}
		if again, err := b.InteractionResponse(i.Interaction); err != nil || again.ID != m.ID {
			t.Errorf("@original is %+v, %v", again, err)
		}
		if err := d.Press("grace", "general", m.ID, "Stop"); err == nil || errors.Is(err, ErrDiscordNoAnswer) {
			t.Errorf("a button that is gone can be pressed: %v", err)
		}

		m = discordPostRows(t, b, "220000000000000001")
		i, done = discordActs(t, b, func() error { return d.Choose("ada", "general", m.ID, "model", "Large") })
		if v := i.MessageComponentData().Values; len(v) != 1 || v[0] != "m-2" {
			t.Errorf("chosen: %v", v)
		}
		err = b.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{Type: discordgo.InteractionResponseDeferredMessageUpdate})
		if err != nil || <-done != nil {
			t.Fatalf("deferred update: %v", err)
		}
		text := "later"
		if _, err := b.InteractionResponseEdit(i.Interaction, &discordgo.WebhookEdit{Content: &text}); err != nil {
			t.Fatal(err)
		}
		if seen, _ = d.World().Message(m.ChannelID, m.ID); seen.Text != "later" || seen.Components == "" || seen.Pending {
			t.Errorf("people see %+v", seen)
		}
		more, err := b.FollowupMessageCreate(i.Interaction, true, &discordgo.WebhookParams{Content: "psst", Flags: discordgo.MessageFlagsEphemeral})
		if err != nil {
			t.Fatal(err)
		}
		if seen, _ = d.World().Message(m.ChannelID, more.ID); seen.OnlyFor == "" || seen.ReplyTo != m.ID || seen.Used != "" {
			t.Errorf("the followup is %+v", seen)
		}
		if err := d.Dismiss("ada", "general", more.ID); err != nil {
			t.Error(err)
		}
		if _, ok := d.World().Message(m.ChannelID, more.ID); ok {
			t.Error("what was put away is still seen")
		}
	})
}

func TestDiscordPersonCannotActOnWhatIsNotThere(t *testing.T) {
	discordBubble(t, DiscordOptions{}, func(t *testing.T, d *Discord, b *discordBot) {
		b.open(t)
		m := discordPostRows(t, b, "220000000000000001")
		for name, act := range map[string]func() error{
			"a disabled button":    func() error { return d.Press("ada", "general", m.ID, "old:1") },
			"a link":               func() error { return d.Press("ada", "general", m.ID, "Read") },
			"no such button":       func() error { return d.Press("ada", "general", m.ID, "nothing") },
			"an empty name":        func() error { return d.Press("ada", "general", m.ID, "") },
			"no such message":      func() error { return d.Press("ada", "general", "7", "Stop") },
			"another channel":      func() error { return d.Press("ada", "random", m.ID, "Stop") },
			"nobody":               func() error { return d.Press("zoe", "general", m.ID, "Stop") },
			"a menu pressed":       func() error { return d.Press("ada", "general", m.ID, "model") },
			"too few values":       func() error { return d.Choose("ada", "general", m.ID, "model") },
			"too many values":      func() error { return d.Choose("ada", "general", m.ID, "model", "m-1", "m-2") },
			"an unknown value":     func() error { return d.Choose("ada", "general", m.ID, "model", "m-3") },
			"a button chosen from": func() error { return d.Choose("ada", "general", m.ID, "stop:1", "m-1") },
		} {
			if err := act(); err == nil || errors.Is(err, ErrDiscordNoAnswer) {
				t.Errorf("%s: %v", name, err)
			}
		}
		began := time.Now()
		if err := d.Press("ada", "general", m.ID, "stop:1"); !errors.Is(err, ErrDiscordNoAnswer) || time.Since(began) != 3*time.Second {
			t.Errorf("nobody answers: %v after %v", err, time.Since(began))
		}
	})
}

func TestDiscordRefusesBadComponents(t *testing.T) {
	discordBubble(t, DiscordOptions{Limits: DiscordLimits{Off: true}}, func(t *testing.T, _ *Discord, b *discordBot) {
		button := func(fields string) string { return `[{"type":1,"components":[{"type":2,` + fields + `}]}]` }
		menu := func(fields string) string { return button(`"type":3,"custom_id":"m",` + fields) }
		buttons := func(n int) string {
			list := make([]string, n)
			for i := range list {
				list[i] = fmt.Sprintf(`{"type":2,"style":1,"label":"b","custom_id":"%d"}`, i)
			}
			return strings.Join(list, ",")
		}
		row := `{"type":1,"components":[` + buttons(1) + `]}`
		for name, c := range map[string]struct{ components, words string }{
			"no list":               {`{}`, "LIST_TYPE_CONVERT"},
			"a word":                {`["x"]`, "MODEL_TYPE_CONVERT"},
			"a null":                {`[null]`, "MODEL_TYPE_CONVERT"},
			"six rows":              {`[` + strings.Repeat(row+",", 5) + row + `]`, "Must be between 1 and 5"},
			"six buttons":           {`[{"type":1,"components":[` + buttons(6) + `]}]`, "Must be between 1 and 5"},
			"an empty row":          {`[{"type":1,"components":[]}]`, "Must be between 1 and 5"},
			"a button alone":        {`[{"type":2,"style":1,"label":"x","custom_id":"x"}]`, "UNION_TYPE_CHOICES"},
			"a null in a row":       {`[{"type":1,"components":[null]}]`, "MODEL_TYPE_CONVERT"},
			"text input":            {button(`"type":4,"style":1,"label":"x","custom_id":"x"`), "UNION_TYPE_CHOICES"},
			"menu and button":       {`[{"type":1,"components":[` + buttons(1) + `,{"type":3,"custom_id":"m"}]}]`, "COMPONENT_LAYOUT_WIDTH_EXCEEDED"},
			"no custom id":          {button(`"style":1,"label":"x"`), "BASE_TYPE_REQUIRED"},
			"a long custom id":      {button(`"style":1,"label":"x","custom_id":"` + strings.Repeat("x", 101) + `"`), "Must be between 1 and 100"},
			"two of one custom id":  {`[` + row + `,` + row + `]`, "COMPONENT_CUSTOM_ID_DUPLICATED"},
			"no style":              {button(`"label":"x","custom_id":"x"`), "BASE_TYPE_CHOICES"},
			"a long label":          {button(`"style":1,"custom_id":"x","label":"` + strings.Repeat("x", 81) + `"`), "Must be 80 or fewer"},
			"no label":              {button(`"style":1,"custom_id":"x"`), "BUTTON_COMPONENT"},
			"no emoji":              {button(`"style":1,"custom_id":"x","emoji":{"name":"up"}`), "BUTTON_COMPONENT_INVALID_EMOJI"},
			"a link with custom id": {button(`"style":5,"label":"x","url":"https://a.b","custom_id":"x"`), "CUSTOM_ID_AND_URL"},
			"a link to nowhere":     {button(`"style":5,"label":"x"`), "BASE_TYPE_REQUIRED"},
			"a link to a script":    {button(`"style":5,"label":"x","url":"javascript:x"`), "URL_TYPE_INVALID_SCHEME"},
			"a menu of nothing":     {menu(`"options":[]`), "Must be between 1 and 25"},
			"one value twice":       {menu(`"options":[{"label":"a","value":"a"},{"label":"b","value":"a"}]`), "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED"},
			"no value":              {menu(`"options":[{"label":"a"}]`), "Must be between 1 and 100"},
			"more than there are":   {menu(`"max_values":2,"options":[{"label":"a","value":"a"}]`), "MAX_VALUES"},
			"less than nothing":     {menu(`"min_values":-1,"options":[{"label":"a","value":"a"}]`), "min_values"},
		} {
			status, _, body := b.call(t, "POST", "/channels/220000000000000001/messages", `{"content":"x","components":`+c.components+`}`)
			if status != 400 || !strings.Contains(body, "50035") || !strings.Contains(body, c.words) {
				t.Errorf("%s: %d %s", name, status, body)
			}
		}
		status, _, body := b.call(t, "POST", "/channels/220000000000000001/messages", `{"components":[{"type":1,"components":[`+buttons(5)+`]}]}`)
		if status != 200 || !strings.Contains(body, `"custom_id":"4"`) {
			t.Errorf("buttons without text: %d %s", status, body)
		}
	})
}

func TestDiscordModalIsFilledInAndSent(t *testing.T) {
	discordBubble(t, DiscordOptions{}, func(t *testing.T, d *Discord, b *discordBot) {
		b.open(t)
		m := discordPostRows(t, b, "220000000000000001")
		i, done := discordActs(t, b, func() error { return d.Press("ada", "general", m.ID, "up:1") })
		input := func(c discordgo.TextInput) discordgo.MessageComponent {
			return discordgo.ActionsRow{Components: []discordgo.MessageComponent{c}}
		}
		modal := &discordgo.InteractionResponse{Type: discordgo.InteractionResponseModal, Data: &discordgo.InteractionResponseData{
			CustomID: "why", Title: "Why?", Components: []discordgo.MessageComponent{
				input(discordgo.TextInput{CustomID: "reason", Label: "Reason", Style: discordgo.TextInputParagraph, Required: true, MinLength: 3, MaxLength: 10}),
				input(discordgo.TextInput{CustomID: "more", Label: "More", Style: discordgo.TextInputShort, Value: "kept"}),
			},
		}}
		if err := b.InteractionRespond(i.Interaction, modal); err != nil || <-done != nil {
			t.Fatal(err)
		}
		if open, ok := d.Modal("ada"); !ok || open.Title != "Why?" || len(open.Fields) != 2 || !open.Fields[0].Required || !open.Fields[0].Long || open.Fields[1].Required {
			t.Fatalf("before ada is %+v, %v", open, ok)
		}
		if _, ok := d.Modal("grace"); ok {
			t.Error("grace sees it too")
		}
		for name, fields := range map[string]map[string]string{
			"nothing": {}, "too short": {"reason": "ab"}, "too long": {"reason": "01234567890"}, "an unknown field": {"reason": "abc", "x": "y"},
		} {
			if err := d.SubmitModal("ada", fields); err == nil || errors.Is(err, ErrDiscordNoAnswer) {
				t.Errorf("%s: %v", name, err)
			}
		}
		i, done = discordActs(t, b, func() error { return d.SubmitModal("ada", map[string]string{"reason": "because"}) })
		data := i.ModalSubmitData()
		value := func(k int) string {
			return data.Components[k].(*discordgo.ActionsRow).Components[0].(*discordgo.TextInput).Value
		}
		if data.CustomID != "why" || value(0) != "because" || value(1) != "kept" || i.Message == nil || i.Message.ID != m.ID {
			t.Errorf("submitted: %+v", data)
		}
		err := b.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{
			Type: discordgo.InteractionResponseUpdateMessage, Data: &discordgo.InteractionResponseData{Content: "thanks"},
		})
		if err != nil || <-done != nil {
			t.Fatal(err)
		}
		if _, ok := d.Modal("ada"); ok {
			t.Error("the form is still open")
		}
		if seen, _ := d.World().Message(m.ChannelID, m.ID); seen.Text != "thanks" {
			t.Errorf("people see %+v", seen)
		}
		for name, data := range map[string]string{
			"no title":     `{"custom_id":"x","components":[{"type":1,"components":[{"type":4,"custom_id":"a","label":"a","style":1}]}]}`,
			"no fields":    `{"custom_id":"x","title":"x","components":[]}`,
			"a button":     `{"custom_id":"x","title":"x","components":[{"type":1,"components":[{"type":2,"custom_id":"a","label":"a","style":1}]}]}`,
			"no style":     `{"custom_id":"x","title":"x","components":[{"type":1,"components":[{"type":4,"custom_id":"a","label":"a"}]}]}`,
			"nothing":      `null`,
			"a long label": `{"custom_id":"x","title":"x","components":[{"type":1,"components":[{"type":4,"custom_id":"a","label":"` + strings.Repeat("x", 46) + `","style":1}]}]}`,
		} {
			if _, fail := readModal(json.RawMessage(data)); fail == nil {
				t.Errorf("%s passes", name)
			}
		}
	})
}

func TestDiscordResponseFitsTheInteraction(t *testing.T) {
	discordBubble(t, DiscordOptions{}, func(t *testing.T, d *Discord, b *discordBot) {
		discordRegister(t, d, b)
		i, done := discordUse(t, d, b, "general", map[string]string{"question": "why?"})
		for _, kind := range []int{0, 1, 6, 7, 8, 10} {
			status, _, body := b.call(t, "POST", "/interactions/"+i.ID+"/"+i.Token+"/callback", fmt.Sprintf(`{"type":%d,"data":{"content":"x"}}`, kind))
			if status != 400 || !strings.Contains(body, "BASE_TYPE_CHOICES") {
				t.Errorf("type %d for a command: %d %s", kind, status, body)
			}
		}
		status, _, body := b.call(t, "POST", "/interactions/"+i.ID+"/"+i.Token+"/callback?with_response=true", `{"type":5,"data":{"flags":64}}`)
		if status != 200 || !strings.Contains(body, `"response_message_loading":true`) || !strings.Contains(body, `"response_message_ephemeral":true`) {
			t.Errorf("%d %s", status, body)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		m := d.World().Messages(i.ChannelID)[0]
		if m.Used != "/ask" || m.UsedBy != "210000000000000001" || !m.Pending {
			t.Errorf("people see %+v", m)
		}
		status, _, body = b.call(t, "PATCH", "/webhooks/"+i.AppID+"/"+i.Token+"/messages/@original", `{"content":"x","components":[{"type":1,"components":[{"type":2,"style":2,"label":"More","custom_id":"more"}]}]}`)
		if status != 200 {
			t.Fatal(body)
		}
		again, pressed := discordActs(t, b, func() error { return d.Press("ada", "general", m.ID, "more") })
		if again.Message == nil || again.Message.Flags&discordgo.MessageFlagsEphemeral == 0 {
			t.Errorf("pressed on %+v", again.Message)
		}
		if err := d.Press("grace", "general", m.ID, "more"); err == nil || errors.Is(err, ErrDiscordNoAnswer) {
			t.Errorf("grace presses what only ada sees: %v", err)
		}
		if err := <-pressed; !errors.Is(err, ErrDiscordNoAnswer) {
			t.Error(err)
		}
	})
}

func FuzzDiscordComponents(f *testing.F) {
	for _, s := range []string{
		``, `null`, `[]`, `{}`, `[null]`, `[{"type":1,"components":[null]}]`, `[{"type":18,"label":"x","component":{"type":3}}]`,
		`[{"type":1,"components":[{"type":3,"custom_id":"m","options":[{"label":"a","value":"a"}],"min_values":1,"max_values":null}]}]`,
	} {
		f.Add([]byte(s), true)
		f.Add([]byte(s), false)
	}
	f.Fuzz(func(t *testing.T, data []byte, modal bool) {
		rows, fail := discordComponentsOf(data, "components", modal)
		if fail != nil {
			return
		}
		again, fail := discordComponentsOf(discordJSON(rows), "components", modal)
		if fail != nil || len(again) != len(rows) {
			t.Errorf("%s reads as %s, and that not at all: %+v", data, discordJSON(rows), fail)
		}
		for _, r := range rows {
			if r.Type == discordRow && (len(r.Components) < 1 || len(r.Components) > 5) {
				t.Errorf("%s has a row of %d", data, len(r.Components))
			}
		}
	})
}
