package main

import (
	"bytes"
	"image"
	"net/url"
	"slices"
	"strings"
	"testing"

	"bobbin/bots/sandbox"
)

// pictures returns the contents of the files that stand where an answer does.
func (h theatre) pictures(r *rig, where string) (all [][]byte) {
	for _, m := range r.answers(h.world(r).Messages(h.channel(where))) {
		for _, f := range m.Files {
			if h.name == "discord" {
				_, data, _ := r.discord.File(m.Channel, f.ID)
				all = append(all, data)
				continue
			}
			file, _ := r.slack.File(f.ID)
			all = append(all, file.Data)
		}
	}
	return all
}

// channel is the channel or thread whose messages are those where an answer stands.
func (h theatre) channel(where string) string {
	if h.name == "discord" {
		return where
	}
	return general
}

// The picture that people get is the one that was made, to the byte, however an answer grows;
// it is made once.
func TestPeopleGetThePictureThatWasMade(t *testing.T) {
	for _, h := range theatres() {
		t.Run(h.name, func(t *testing.T) {
			bubble(t, h.configured(func(c *Config) { c.Tools.MakeImage.Enabled = true }), func(r *rig) {
				where := h.ask(r, "draw a red fox")
				r.settle()
				uses := r.ai.Uses()
				made := h.pictures(r, where)
				if len(uses) != 1 || uses[0].Name != "a red fox" || len(made) != 1 || len(made[0]) != uses[0].Size {
					t.Fatalf("asked for %+v, %d pictures stand", uses, len(made))
				}
				if _, kind, err := image.Decode(bytes.NewReader(made[0])); err != nil || kind != "jpeg" {
					t.Errorf("it is %s, %v", kind, err)
				}
				if n := h.refusals(r); n > 0 {
					t.Errorf("%d calls were refused for their rate", n)
				}
			})
		})
	}
}

// A workspace that gives bobbin no files:write hears of the picture all the same, also where
// the answer was streamed and its stream has ended.
func TestAPictureThatMayNotBePostedIsTold(t *testing.T) {
	for _, h := range theatres() {
		t.Run(h.name, func(t *testing.T) {
			bubble(t, h.configured(func(c *Config) { c.Tools.MakeImage.Enabled = true }), func(r *rig) {
				if err := r.discord.Deny("general", sandbox.DiscordAttachFiles); err != nil {
					t.Fatal(err)
				}
				r.slack.Fault(func(method string, _ url.Values) *sandbox.SlackFault {
					if method != "files.getUploadURLExternal" {
						return nil
					}
					return &sandbox.SlackFault{Status: 200, Body: `{"ok":false,"error":"missing_scope","needed":"files:write"}`}
				})
				where := h.ask(r, "draw a red fox")
				r.settle()
				answers := r.answers(h.world(r).Messages(h.channel(where)))
				if len(h.pictures(r, where)) != 0 || !slices.ContainsFunc(answers, func(m sandbox.Message) bool {
					return strings.Contains(shown(m), "I made “picture.jpg”, but I may not post files here.")
				}) {
					t.Errorf("what stands is %s", dump(answers))
				}
			})
		})
	}
}
