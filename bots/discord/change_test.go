package discord

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"bobbin/bots"
)

func (r *rig) edit(channel, id, text string) {
	r.Helper()
	if err := r.fake.Edit("ada", channel, id, text); err != nil {
		r.Fatal(err)
	}
}

func TestEditIsAChangeOfTheMessage(t *testing.T) {
	bubble(t, setup{opts: Options{MessageContent: true}}, func(r *rig) {
		id := r.say("ada", "general", "", r.mention("what is a lom?"))
		asked := r.one()
		r.edit("general", id, r.mention("what is a loom?"))
		e := r.one()
		if e.Change != bots.Edited || e.Text != "what is a loom?" || e.MessageID != asked.MessageID || e.EventID == asked.EventID ||
			e.Target.Session() != asked.Target.Session() || e.Author != asked.Author || !e.Addressed {
			t.Errorf("event is %+v", e)
		}
		// Only the author takes the mention out again.
		r.edit("general", id, "what is a loom?")
		if e := r.one(); e.Change != bots.Edited || e.Target.Session() != asked.Target.Session() || e.Addressed {
			t.Errorf("event is %+v", e)
		}
		if err := r.fake.Unfurl("general", id, "https://example.com/", "Looms"); err != nil {
			t.Fatal(err)
		}
		if got := r.taken(); len(got) != 0 {
			t.Errorf("a preview was accepted: %+v", got)
		}
		r.post(asked.Target, "K-1", "a machine")
		follow := r.say("ada", asked.Target.Thread, "", "and wy?")
		r.one()
		r.edit(asked.Target.Thread, follow, "and why?")
		if e := r.one(); e.Change != bots.Edited || e.Text != "and why?" || e.Target.Thread != asked.Target.Thread {
			t.Errorf("event is %+v", e)
		}
	})
}

func TestEditThatMentionsBobbinIsOfferedAndOthersAreNot(t *testing.T) {
	bubble(t, setup{opts: Options{MessageContent: true}}, func(r *rig) {
		id := r.say("ada", "general", "", "hello all")
		r.edit("general", id, "hello everybody")
		if got := r.taken(); len(got) != 0 {
			t.Errorf("accepted %+v", got)
		}
		r.edit("general", id, r.mention("hello"))
		if e := r.one(); e.Change != bots.Edited || !e.Addressed || e.Target.Thread != id {
			t.Errorf("event is %+v", e)
		}
	})
}

func TestUpdateThatIsNoEditIsIgnored(t *testing.T) {
	bubble(t, setup{opts: Options{MessageContent: true}}, func(r *rig) {
		dm := r.fake.OpenDM("ada")
		id := r.say("ada", dm, "", "hi")
		r.one()
		r.edit(dm, id, "hi there")
		edit := r.one()
		raw, _ := r.fake.Raw(id)
		var as map[string]any
		if err := json.Unmarshal(raw, &as); err != nil {
			t.Fatal(err)
		}
		for _, change := range []map[string]any{
			{},                               // told of once more
			{"pinned": true},                 // something else has changed
			{"edited_timestamp": nil},        // a preview, as it is told of today
			{"author": nil},                  // a preview, as it once was told of
			{"content": nil},                 // without text
			{"author": map[string]any{}},     // malformed
			{"channel_id": "../x"},           // malformed
			{"edited_timestamp": "", "x": 1}, // malformed
		} {
			body := make(map[string]any)
			for k, v := range as {
				body[k] = v
			}
			body["embeds"] = []any{map[string]any{"title": "x"}}
			for k, v := range change {
				body[k] = v
			}
			if len(change) > 2 || change["author"] != nil || change["channel_id"] != nil {
				body["edited_timestamp"] = time.Now().Add(time.Hour).Format(time.RFC3339)
			}
			b, err := json.Marshal(body)
			if err != nil {
				t.Fatal(err)
			}
			if err := r.fake.Dispatch("MESSAGE_UPDATE", b); err != nil {
				t.Fatal(err)
			}
			if got := r.taken(); len(got) != 0 {
				t.Errorf("%v was accepted: %+v", change, got)
			}
		}
		if edit.Change != bots.Edited {
			t.Errorf("event is %+v", edit)
		}
	})
}

func TestDeletionIsAChangeOfTheMessage(t *testing.T) {
	for name, restart := range map[string]bool{"of one that was taken in": false, "of one of an earlier run": true} {
		t.Run(name, func(t *testing.T) {
			bubble(t, setup{opts: Options{MessageContent: true}}, func(r *rig) {
				id := r.say("ada", "general", "", r.mention("hi"))
				question := r.one()
				answer := r.post(question.Target, "K-1", "hello")
				follow := r.say("ada", question.Target.Thread, "", "more")
				r.one()
				dm := r.fake.OpenDM("ada")
				direct := r.say("ada", dm, "", "hi")
				r.one()
				if restart {
					forget(r.bot.taken)
				}
				for _, m := range []struct{ channel, id, session string }{
					{"general", id, string(question.Target.Session())},
					{question.Target.Thread, follow, string(question.Target.Session())},
					{dm, direct, "discord//" + dm},
				} {
					if err := r.fake.Delete("ada", m.channel, m.id); err != nil {
						t.Fatal(err)
					}
					e := r.one()
					if e.Change != bots.Deleted || messageOf(e.MessageID) != m.id || e.Direct != (m.channel == dm) || (e.Author.Name == "ada") == restart {
						t.Errorf("event is %+v", e)
					}
					if m.channel != dm && string(e.Target.Session()) != m.session {
						t.Errorf("the session is %q, want %q", e.Target.Session(), m.session)
					}
				}
				if err := r.fake.Remove(question.Target.Thread, messageOf(answer)); err != nil {
					t.Fatal(err)
				}
				if got := r.taken(); len(got) != 0 {
					t.Errorf("bobbin's own message was accepted: %+v", got)
				}
			})
		})
	}
}

func TestManyDeletionsAtOnceAreOneEventEach(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		var ids []string
		for range 3 {
			ids = append(ids, r.say("ada", "general", "", r.mention("hi")))
		}
		r.taken()
		if err := r.fake.Purge("general", ids...); err != nil {
			t.Fatal(err)
		}
		got := r.taken()
		if len(got) != 3 {
			t.Fatalf("accepted %+v", got)
		}
		for i, e := range got {
			if e.Change != bots.Deleted || messageOf(e.MessageID) != ids[i] {
				t.Errorf("event is %+v", e)
			}
		}
	})
}

func TestChangeThatIsNotAcceptedIsLetGoOf(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		dm := r.fake.OpenDM("ada")
		id := r.say("ada", dm, "", "hi")
		r.one()
		tries := 0
		r.onAccept(func(context.Context, bots.Event) error { tries++; return errors.New("disk on fire") })
		r.edit(dm, id, "hi there")
		r.pass(time.Hour)
		if tries != 3 || len(r.shows(dm)) != 0 || r.bot.Ignored()[ignoredUnaccepted] != 1 {
			t.Errorf("after %d tries there stands %q", tries, r.shows(dm))
		}
	})
}

// A deletion may be of anything, so what is malformed only has to do no harm.
func TestHostileChangesPressesAndReactionsDoNoHarm(t *testing.T) {
	payloads := []string{
		`null`, `{}`, `[]`, `{"id":null}`, `{"ids":null,"channel_id":"2"}`, `{"ids":[null,"","../x","5"],"channel_id":"2"}`, `{"id":"1","channel_id":"../x"}`,
		`{"id":"1","channel_id":"2","guild_id":"..","edited_timestamp":"x","content":"x","author":{"id":"4"}}`,
		`{"id":"1","channel_id":"2","edited_timestamp":"x","content":"x","author":{}}`,
		`{"id":"1","channel_id":"2","edited_timestamp":7,"content":"x","author":{"id":"4"}}`,
		`{"id":"1","channel_id":"2","content":"x","author":{"id":"4"},"attachments":[null,{},{"id":"../x"},{"id":"1","size":-5}],"message_snapshots":[null],"referenced_message":{"referenced_message":{}}}`,
		`{"user_id":"1","channel_id":"2","message_id":"3","emoji":null}`, `{"user_id":"1","channel_id":"2","message_id":"3","emoji":{"name":null}}`,
		`{"user_id":"1","channel_id":"2","message_id":"../3","emoji":{"name":"💡"}}`, `{"user_id":"1","channel_id":"2","message_id":"3","member":{"user":null},"emoji":{"name":"💡"}}`,
		`{"id":"1","owner_id":"2","system_channel_id":"3","joined_at":"never"}`, `{"id":"1","owner_id":null,"system_channel_id":"../x","joined_at":"2999-01-01T00:00:00Z"}`,
		`{"id":"1","application_id":"2","token":"t","channel_id":"3","type":3,"user":{"id":"5"},"message":null,"data":{"custom_id":"bobbin:stop:AAAA"}}`,
		`{"id":"1","application_id":"2","token":"t","channel_id":"3","type":5,"user":{"id":"5"},"data":{"custom_id":"bobbin:about:3/4","components":[null,{"component":null},{"components":[null]}]}}`,
		`{"id":"1","application_id":"2","token":"t","channel_id":"3","type":2,"user":{"id":"5"},"data":{"type":3,"name":"Ask bobbin about this","target_id":"9","resolved":{"messages":{"9":null}}}}`,
		`{"id":"1","application_id":"2","token":"t","channel_id":"3","type":2,"user":{"id":"5"},"data":{"type":3,"name":"Summarise this thread","target_id":"9","resolved":null}}`,
		`{"id":"1","application_id":"2","token":"t","channel_id":"3","type":4,"user":{"id":"5"},"data":{}}`,
	}
	events := []string{"MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE", "MESSAGE_DELETE_BULK", "MESSAGE_REACTION_ADD", "GUILD_CREATE", "INTERACTION_CREATE"}
	bubble(t, setup{opts: Options{MessageContent: true, Reaction: lamp, Greet: true}}, func(r *rig) {
		for _, e := range events {
			for _, p := range payloads {
				if err := r.fake.Dispatch(e, json.RawMessage(p)); err != nil {
					t.Fatal(err)
				}
			}
			r.pass(time.Minute)
		}
		if n := r.bot.Ignored()[ignoredPanic]; n != 0 {
			t.Errorf("%d panics\n%s", n, r.logged())
		}
		r.taken()
		r.say("ada", "general", "", r.mention("hi"))
		r.one()
	})
}
