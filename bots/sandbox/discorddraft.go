package sandbox

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf16"
)

// discordContentLimit is how long a bot's message may be, counted as the strictest
// reading of the documentation has it: in UTF-16 units.
const discordContentLimit = 2000

func discordLength(s string) int { return len(utf16.Encode([]rune(s))) }

// discordNonces is how many nonces are remembered before the old ones are looked for.
const discordNonces = 1000

// discordNonce is the message that a nonce was sent with.
type discordNonce struct {
	message string
	at      time.Time
}

// sentWith returns the message of a nonce that is still remembered.
func (d *Discord) sentWith(nonce string) *discordMessage {
	n, ok := d.nonces[nonce]
	if !ok || time.Since(n.at) > d.o.NonceWindow {
		return nil
	}
	return d.messages[n.message]
}

func (d *Discord) remember(nonce string, m *discordMessage) {
	if len(d.nonces) >= discordNonces {
		maps.DeleteFunc(d.nonces, func(_ string, n discordNonce) bool { return time.Since(n.at) > d.o.NonceWindow })
	}
	d.nonces[nonce] = discordNonce{message: m.id, at: m.at}
}

// discordDraft is the body of a send or an edit. A field that is absent is nil.
type discordDraft struct {
	Content         *string           `json:"content"`
	Embeds          json.RawMessage   `json:"embeds"`
	Components      json.RawMessage   `json:"components"`
	Attachments     json.RawMessage   `json:"attachments"`
	Flags           *int              `json:"flags"`
	Nonce           json.RawMessage   `json:"nonce"`
	EnforceNonce    bool              `json:"enforce_nonce"`
	AllowedMentions json.RawMessage   `json:"allowed_mentions"`
	Reference       *discordReference `json:"message_reference"`

	rows []*discordComponent // Components, once checked
}

type discordAllowed struct {
	Parse       []string `json:"parse"`
	Users       []string `json:"users"`
	RepliedUser *bool    `json:"replied_user"`
}

func discordNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

func discordNonceText(raw json.RawMessage) string {
	if discordNull(raw) {
		return ""
	}
	return strings.Trim(string(raw), `"`)
}

// check finds what is wrong with a draft's own fields.
func (f *discordDraft) check() *discordAnswer {
	if f.Content != nil && discordLength(*f.Content) > discordContentLimit {
		return discordInvalid("content", "BASE_TYPE_MAX_LENGTH", "Must be 2000 or fewer in length.")
	}
	if fail := discordCheckEmbeds(f.Embeds); fail != nil {
		return fail
	}
	var fail *discordAnswer
	if f.rows, fail = discordComponentsOf(f.Components, "components", false); fail != nil {
		return fail
	}
	if n := discordNonceText(f.Nonce); !discordNull(f.Nonce) && len(n) > 25 {
		return discordInvalid("nonce", "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
	}
	if discordNull(f.AllowedMentions) {
		return nil
	}
	var a discordAllowed
	if json.Unmarshal(f.AllowedMentions, &a) != nil {
		return discordInvalid("allowed_mentions", "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
	}
	if slices.Contains(a.Parse, "users") && len(a.Users) > 0 {
		return discordInvalid("allowed_mentions", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
			`parse:["users"] and users: [ids...] are mutually exclusive.`)
	}
	return nil
}

// apply changes m to what the draft says, and works out whom it mentions.
func (d *Discord) apply(m *discordMessage, f *discordDraft) {
	if f.Content != nil {
		m.content = strings.TrimSpace(*f.Content)
	}
	list := func(old, raw json.RawMessage) json.RawMessage {
		if raw == nil {
			return old
		}
		if text := string(raw); text == "null" || text == "[]" {
			return nil
		}
		return slices.Clone(raw)
	}
	m.embeds = list(m.embeds, f.Embeds)
	if f.Components != nil {
		m.components = f.rows
	}
	m.allowed = slices.Clone(f.AllowedMentions)

	allowed := discordAllowed{Parse: []string{"users", "roles", "everyone"}}
	replied := true
	if !discordNull(f.AllowedMentions) {
		allowed = discordAllowed{}
		_ = json.Unmarshal(f.AllowedMentions, &allowed) // checked
		replied = allowed.RepliedUser != nil && *allowed.RepliedUser
	}
	m.mentions = slices.DeleteFunc(d.mentioned(m.content), func(id string) bool {
		return !slices.Contains(allowed.Parse, "users") && !slices.Contains(allowed.Users, id)
	})
	m.everyone = slices.Contains(allowed.Parse, "everyone") && discordEveryone.MatchString(m.content)
	if m.kind == discordReply && m.reference != nil && replied {
		r := d.messages[m.reference.MessageID]
		if r != nil && r.author != d.o.BotID && !slices.Contains(m.mentions, r.author) {
			m.mentions = append(m.mentions, r.author)
		}
	}
}

func (m *discordMessage) empty() bool {
	return m.content == "" && m.embeds == nil && m.components == nil && len(m.attachments) == 0
}

func discordEmpty() *discordAnswer {
	return discordFail(http.StatusBadRequest, 50006, "Cannot send an empty message")
}
