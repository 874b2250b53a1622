package discord

import (
	"context"
	"testing"
	"time"

	"bobbin/bots"
	"bobbin/bots/sandbox"
)

func TestNewServerIsGreetedOnce(t *testing.T) {
	bubble(t, setup{fake: sandbox.DiscordOptions{NotInGuild: true}, opts: Options{Greet: true}}, func(r *rig) {
		if err := r.fake.Invite(); err != nil {
			t.Fatal(err)
		}
		e := r.one()
		if !e.Greet || e.Direct || e.Addressed || e.Text != "" || e.Target.Channel != r.channel("general") || e.Target.Workspace != r.fake.GuildID() || e.Author.ID == "" {
			t.Errorf("event is %+v", e)
		}
		if err := e.Respond(r.ctx, "Hello, all."); err != nil {
			t.Fatal(err)
		}
		r.fake.Outage(true)
		r.fake.Outage(false)
		r.fake.InvalidateGateway()
		time.Sleep(time.Minute)
		if got := r.taken(); len(got) != 0 {
			t.Errorf("accepted %+v", got)
		}
		if got := r.shows(r.channel("general")); got[len(got)-1] != "Hello, all." {
			t.Errorf("channel shows %q", got)
		}
		// Thrown out and asked back, it says hello again.
		if err := r.fake.Kick(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if err := r.fake.Invite(); err != nil {
			t.Fatal(err)
		}
		if again := r.one(); !again.Greet || again.MessageID == e.MessageID {
			t.Errorf("event is %+v", again)
		}
	})
}

// greetings counts the welcomes among what was accepted since the last call.
func (r *rig) greetings() (n int) {
	r.Helper()
	for _, e := range r.taken() {
		if e.Greet {
			n++
		}
	}
	return n
}

func TestServerThatInvitedWhileNobodyListenedIsGreeted(t *testing.T) {
	greeting := withContent
	greeting.opts.Greet = true
	greeting.opts.CatchUp = 24 * time.Hour
	remembering(t, greeting, func(r *rig, _ *notebook) {
		r.say("ada", "general", "", r.mention("hi"))
		r.taken()
		time.Sleep(time.Minute)
		if err := r.fake.Kick(); err != nil {
			t.Fatal(err)
		}
		r.down()
		time.Sleep(time.Hour)
		if err := r.fake.Invite(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		r.up()
		time.Sleep(time.Minute)
		if n := r.greetings(); n != 1 {
			t.Errorf("%d welcomes", n)
		}
		r.down()
		time.Sleep(48 * time.Hour)
		r.up()
		time.Sleep(time.Minute)
		if n := r.greetings(); n != 0 {
			t.Errorf("%d welcomes", n)
		}
	})
}

func TestPersonIsGreetedAtTheFirstDirectMessage(t *testing.T) {
	bubble(t, setup{opts: Options{Greet: true}}, func(r *rig) {
		dm := r.fake.OpenDM("ada")
		r.say("ada", dm, "", "hi")
		got := r.taken()
		if len(got) != 2 || !got[0].Greet || !got[0].Direct || got[1].Greet || got[1].Text != "hi" || got[0].Target.Session() != got[1].Target.Session() ||
			got[0].MessageID == got[1].MessageID {
			t.Fatalf("accepted %+v", got)
		}
		if err := got[0].Respond(r.ctx, "Welcome."); err != nil {
			t.Fatal(err)
		}
		r.want(dm, "Welcome.")
		r.say("ada", dm, "", "and?")
		r.one()
		forget(r.bot.greeted)
		r.say("ada", dm, "", "so?")
		if e := r.one(); e.Greet {
			t.Errorf("event is %+v", e)
		}
	})
}

func TestGreetingIsOffUnlessAskedFor(t *testing.T) {
	bubble(t, setup{fake: sandbox.DiscordOptions{NotInGuild: true}}, func(r *rig) {
		if err := r.fake.Invite(); err != nil {
			t.Fatal(err)
		}
		r.say("ada", r.fake.OpenDM("ada"), "", "hi")
		if e := r.one(); e.Greet {
			t.Errorf("event is %+v", e)
		}
	})
}

func TestGreetingThatMayNotBeWrittenIsNone(t *testing.T) {
	bubble(t, setup{fake: sandbox.DiscordOptions{NotInGuild: true}, opts: Options{Greet: true}}, func(r *rig) {
		if err := r.fake.Deny("general", sandbox.DiscordSendMessages); err != nil {
			t.Fatal(err)
		}
		r.onAccept(func(ctx context.Context, e bots.Event) error { return e.Respond(ctx, "Hello.") })
		if err := r.fake.Invite(); err != nil {
			t.Fatal(err)
		}
		if e := r.one(); !e.Greet {
			t.Errorf("event is %+v", e)
		}
		r.want(r.channel("general"))
	})
}
