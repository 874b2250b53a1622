package sandbox

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

type discordEmbed struct {
	Title       string `json:"title"`
	Description string `json:"description"`
	Footer      struct {
		Text string `json:"text"`
	} `json:"footer"`
	Author struct {
		Name string `json:"name"`
	} `json:"author"`
	Fields []struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	} `json:"fields"`
}

// discordCheckEmbeds applies the documented limits to the embeds of a message.
func discordCheckEmbeds(raw json.RawMessage) *discordAnswer {
	if discordNull(raw) {
		return nil
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		return discordInvalid("embeds", "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
	}
	if len(list) > 10 {
		return discordInvalid("embeds", "BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer in length.")
	}
	sum := 0
	for i, data := range list {
		at := fmt.Sprintf("embeds.%d", i)
		var e *discordEmbed
		if json.Unmarshal(data, &e) != nil || e == nil {
			return discordInvalid(at, "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
		}
		type part struct {
			field string
			text  string
			limit int
		}
		parts := []part{
			{"title", e.Title, 256}, {"description", e.Description, 4096}, {"footer.text", e.Footer.Text, 2048},
			{"author.name", e.Author.Name, 256},
		}
		if len(e.Fields) > 25 {
			return discordInvalid(at+".fields", "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
		}
		for k, f := range e.Fields {
			where := fmt.Sprintf("fields.%d.", k)
			if f.Name == "" || f.Value == "" {
				return discordInvalid(at+"."+where+"value", "BASE_TYPE_REQUIRED", "This field is required")
			}
			parts = append(parts, part{where + "name", f.Name, 256}, part{where + "value", f.Value, 1024})
		}
		for _, p := range parts {
			n := utf8.RuneCountInString(p.text)
			if n > p.limit {
				return discordInvalid(at+"."+p.field, "BASE_TYPE_MAX_LENGTH", fmt.Sprintf("Must be %d or fewer in length.", p.limit))
			}
			sum += n
		}
	}
	if sum > 6000 {
		return discordInvalid("embeds", "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of 6000")
	}
	return nil
}
