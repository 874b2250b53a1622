package slack

import slackgo "github.com/slack-go/slack"

// content is what a message shows. Without Blocks those that stand stay; empty ones take
// them away.
type content struct {
	Text   string          `json:"text"`
	Blocks []slackgo.Block `json:"blocks,omitzero"`
}

// options are c for slack-go.
func (c content) options() []slackgo.MsgOption {
	return []slackgo.MsgOption{slackgo.MsgOptionBlocks(c.Blocks...), slackgo.MsgOptionText(c.Text, false)}
}

// block is of one of the kinds that answers are made of. They are encoded with each edit,
// for which slack-go's own types, made for all kinds, need three times as long.
type block struct {
	Type     slackgo.MessageBlockType `json:"type"`
	Text     any                      `json:"text,omitempty"`     // of markdown a string, of a section a textObject
	Elements []any                    `json:"elements,omitempty"` // of a context textObjects, of actions buttons
}

var _ slackgo.Block = block{}

// BlockType implements slackgo.Block.
func (b block) BlockType() slackgo.MessageBlockType { return b.Type }

// ID implements slackgo.Block.
func (b block) ID() string { return "" }

type textObject struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Emoji    bool   `json:"emoji,omitempty"`
	Verbatim bool   `json:"verbatim,omitempty"`
}

// plainText is a text in which nothing is a mention or a link.
func plainText(text string) textObject {
	return textObject{Type: slackgo.PlainTextType, Text: text, Emoji: true}
}

type button struct {
	Type     slackgo.MessageElementType `json:"type"`
	Text     textObject                 `json:"text"`
	ActionID string                     `json:"action_id"`
	Value    string                     `json:"value"`
}
