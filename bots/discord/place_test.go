package discord

import (
	"strings"
	"testing"

	"bobbin/agent"
	"bobbin/bots/sandbox"
)

func TestThreadsAreOpenedWhereTheyShowNobodyMore(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		general, guild := r.channel("general"), r.fake.GuildID()
		forum := channel{ID: "77", GuildID: guild, Type: channelForum}
		private := channel{ID: "78", GuildID: guild, Type: threadPrivate, ParentID: &general}
		r.bot.remember(forum)
		r.bot.remember(private)
		for name, c := range map[string]struct {
			at   agent.Address
			want string
		}{
			"a DM":             {agent.Address{Platform: Name, Channel: r.fake.OpenDM("ada")}, "no threads in direct messages"},
			"a private thread": {agent.Address{Platform: Name, Workspace: guild, Channel: general, Thread: private.ID}, "This thread is private"},
			"a forum":          {agent.Address{Platform: Name, Workspace: guild, Channel: forum.ID}, "text channels only"},
		} {
			_, _, err := r.bot.OpenThread(r.ctx, c.at, "K", "hello")
			if err == nil || !strings.Contains(agent.Explain(err), c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if got := r.shows(general); len(got) > 0 {
			t.Errorf("the channel shows %q", got)
		}
		at := agent.Address{Platform: Name, Workspace: guild, Channel: general, User: "5"}
		thread, link, err := r.bot.OpenThread(r.ctx, at, "K", "hello **you** @everyone")
		if err != nil || thread.User != "" || thread.Channel != general || !strings.HasSuffix(link, "/"+guild+"/"+thread.Thread) {
			t.Fatalf("opened %+v, %q, %v", thread, link, err)
		}
		if c, ok := r.fake.World().Channel(thread.Thread); !ok || c.Parent != general || c.Name != "Fork of general" {
			t.Errorf("the thread is %+v", c)
		}
		again, _, err := r.bot.OpenThread(r.ctx, at, "K", "hello **you** @everyone")
		if err != nil || again != thread {
			t.Errorf("with the same key it opened %+v, %v", again, err)
		}
	})
}

func TestAThreadWhoseOpeningFailsLeavesNothingBehind(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		r.fake.Inject(sandbox.DiscordFault{Route: fakeThreads, Status: 502, Times: -1})
		at := agent.Address{Platform: Name, Workspace: r.fake.GuildID(), Channel: r.channel("general")}
		if _, _, err := r.bot.OpenThread(r.ctx, at, "K", "hello"); err == nil {
			t.Error("no error")
		}
		if got := r.shows(at.Channel); len(got) > 0 {
			t.Errorf("the channel shows %q", got)
		}
	})
}
