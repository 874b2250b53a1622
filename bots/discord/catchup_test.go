package discord

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"bobbin/agent"
	"bobbin/bots"
	"bobbin/bots/sandbox"
)

const (
	fakeHistory  = "GET /channels/{channel}/messages"
	fakeChannels = "GET /guilds/{guild}/channels"
)

func TestMessagesOfTheTimeAwayAreTakenInOnceAndInOrder(t *testing.T) {
	remembering(t, withContent, func(r *rig, n *notebook) {
		seen := make(map[agent.MessageID]bool)
		root := r.say("ada", "general", "", r.mention("hi"))
		dm := r.fake.OpenDM("grace")
		r.say("grace", dm, "", "psst")
		_, before := r.fresh(seen)
		if len(before) != 2 {
			t.Fatalf("accepted %+v", before)
		}
		if before[0].Direct { // lanes are in no order
			slices.Reverse(before)
		}
		r.post(before[0].Target, "K-1", "hello")
		n.add(before[1].Target.Address)
		r.pass(time.Minute)
		r.down()

		time.Sleep(3 * time.Hour)
		var ids []string
		for i := range 3 {
			ids = append(ids, r.say("ada", "general", "", r.mention("general "+strconv.Itoa(i))))
			r.say("ada", "general", "", "nobody in particular")
			ids = append(ids, r.say("grace", root, "", "thread "+strconv.Itoa(i)))
			ids = append(ids, r.say("grace", dm, "", "direct "+strconv.Itoa(i)))
		}
		time.Sleep(time.Hour)
		r.up()
		texts, late := r.fresh(seen)
		for _, place := range []string{"general", "thread", "direct"} {
			got := slices.DeleteFunc(slices.Clone(texts), func(s string) bool { return !strings.HasPrefix(s, place) })
			if want := []string{place + " 0", place + " 1", place + " 2"}; !slices.Equal(got, want) {
				t.Errorf("accepted %q, want %q", got, want)
			}
		}
		for _, e := range late {
			if !e.Late || !slices.Contains(ids, e.EventID) || time.Since(e.Sent) < time.Hour || e.Respond == nil {
				t.Errorf("event is %+v", e)
			}
			switch {
			case strings.HasPrefix(e.Text, "thread"):
				if e.Target.Session() != before[0].Target.Session() || e.Addressed {
					t.Errorf("event is %+v", e)
				}
			case strings.HasPrefix(e.Text, "direct"):
				if e.Target.Session() != before[1].Target.Session() || !e.Direct {
					t.Errorf("event is %+v", e)
				}
			default:
				if e.Target.Thread != e.EventID || !e.Addressed {
					t.Errorf("event is %+v", e)
				}
			}
		}
		r.down()
		r.up()
		if again, _ := r.fresh(seen); len(again) != 0 {
			t.Errorf("accepted %q again", again)
		}
		r.say("ada", "general", "", r.mention("live"))
		if e := r.one(); e.Late {
			t.Errorf("event is %+v", e)
		}
	})
}

func TestFirstRunEverReadsNothing(t *testing.T) {
	remembering(t, setup{}, func(r *rig, n *notebook) {
		if r.fake.Calls(fakeHistory) != 0 || r.fake.Calls(fakeChannels) != 0 {
			t.Error("history was read")
		}
		r.down()
		if time.Since(n.at()) > time.Minute {
			t.Errorf("heard %v", n.at())
		}
		r.say("ada", "general", "", r.mention("hi"))
		time.Sleep(time.Hour)
		r.up()
		if e := r.one(); e.Text != "hi" || !e.Late {
			t.Errorf("event is %+v", e)
		}
	})
}

func TestCatchUpHasAWindow(t *testing.T) {
	remembering(t, setup{opts: Options{CatchUp: time.Hour}}, func(r *rig, _ *notebook) {
		r.down()
		r.say("ada", "general", "", r.mention("too long ago"))
		r.say("ada", "random", "", r.mention("too long ago as well"))
		time.Sleep(2 * time.Hour)
		r.say("ada", "general", "", r.mention("just now"))
		time.Sleep(30 * time.Minute)
		r.up()
		if got := r.one().Text; got != "just now" {
			t.Errorf("text is %q", got)
		}
		if n := r.fake.Calls(fakeHistory); n != 1 {
			t.Errorf("read %d pages: a channel where nothing was said lately needs none", n)
		}
	})
}

func TestCatchUpIsOffWithoutAMemoryOrAWindow(t *testing.T) {
	remembering(t, setup{opts: Options{CatchUp: -1}}, func(r *rig, n *notebook) {
		r.say("ada", "general", "", r.mention("hi"))
		r.one()
		r.down()
		if n.at().IsZero() {
			t.Error("what was heard is not kept for the day when catching up is on")
		}
		r.say("ada", "general", "", r.mention("anyone?"))
		time.Sleep(time.Hour)
		r.up()
		if got := r.taken(); len(got) != 0 {
			t.Errorf("accepted %+v", got)
		}
	})
}

func TestLongAbsenceIsReadPageByPage(t *testing.T) {
	const many = 2*pageSize + 50
	remembering(t, setup{}, func(r *rig, _ *notebook) {
		r.down()
		for i := range many {
			r.say("ada", "general", "", r.mention(strconv.Itoa(i)))
			time.Sleep(time.Second)
		}
		time.Sleep(time.Hour)
		r.up()
		for i, e := range r.taken() {
			if e.Text != strconv.Itoa(i) {
				t.Fatalf("message %d is %q", i, e.Text)
			}
			if i == many-1 {
				return
			}
		}
		t.Error("some are missing")
	})
}

func TestNewSessionReadsWhatTheOldOneMissed(t *testing.T) {
	remembering(t, setup{}, func(r *rig, _ *notebook) {
		r.say("ada", "general", "", r.mention("before"))
		r.pass(time.Minute)
		r.one()
		r.fake.InvalidateGateway()
		r.say("ada", "general", "", r.mention("meanwhile"))
		for r.fake.Connected() == 0 {
			r.pass(100 * time.Millisecond)
		}
		r.say("ada", "general", "", r.mention("after"))
		r.pass(time.Minute)
		var got []string
		for _, e := range r.taken() {
			got = append(got, fmt.Sprint(e.Text, " ", e.Late))
		}
		slices.Sort(got)
		if want := []string{"after false", "meanwhile true"}; !slices.Equal(got, want) {
			t.Errorf("accepted %q, want %q", got, want)
		}
	})
}

func TestResumedSessionNeedsNoCatchUp(t *testing.T) {
	remembering(t, setup{}, func(r *rig, _ *notebook) {
		r.fake.DropGateway(0)
		r.say("ada", "general", "", r.mention("meanwhile"))
		r.pass(time.Minute)
		if e := r.one(); e.Late {
			t.Errorf("event is %+v", e)
		}
		if n := r.fake.Calls(fakeChannels); n != 0 {
			t.Errorf("listed the channels %d times", n)
		}
	})
}

func TestWhatCouldNotBeReadIsReadLaterAndHeardWaits(t *testing.T) {
	for name, f := range map[string]sandbox.DiscordFault{
		"messages": {Route: fakeHistory, Status: 500},
		"channels": {Route: fakeChannels, Status: 502, Body: "<html>"},
		"nonsense": {Route: fakeHistory, Status: 200, Body: `{"message":"no"}`},
		"limited":  {Route: fakeHistory, Status: 429, Body: `{"retry_after":40}`},
	} {
		t.Run(name, func(t *testing.T) {
			remembering(t, setup{}, func(r *rig, n *notebook) {
				r.down()
				before := n.at()
				r.say("ada", "general", "", r.mention("meanwhile"))
				time.Sleep(time.Hour)
				f.Times = -1
				mend := r.fake.Inject(f)
				r.up()
				r.say("ada", "random", "", r.mention("live"))
				r.pass(time.Minute)
				if got := r.one().Text; got != "live" {
					t.Errorf("text is %q", got)
				}
				if !n.at().Equal(before) {
					t.Errorf("heard moved by %v past what is not read", n.at().Sub(before))
				}
				mend()
				r.pass(20 * time.Minute)
				if e := r.one(); e.Text != "meanwhile" || !e.Late {
					t.Errorf("event is %+v", e)
				}
				if time.Since(n.at()) > time.Hour {
					t.Errorf("heard stays at %v", n.at())
				}
			})
		})
	}
}

func TestMissedMessageThatIsNotAcceptedIsOfferedAgain(t *testing.T) {
	remembering(t, setup{}, func(r *rig, n *notebook) {
		r.down()
		before := n.at()
		broken := true
		r.onAccept(func(context.Context, bots.Event) error {
			if broken {
				return errors.New("disk on fire")
			}
			return nil
		})
		r.say("ada", "general", "", r.mention("one"))
		r.say("ada", "general", "", r.mention("two"))
		time.Sleep(time.Hour)
		r.up()
		r.pass(30 * time.Second)
		if !n.at().Equal(before) {
			t.Error("heard moved past what was not accepted")
		}
		r.onAccept(nil)
		r.pass(10 * time.Minute)
		if got := r.taken(); len(got) != 2 || got[0].Text != "one" || got[1].Text != "two" {
			t.Errorf("accepted %+v", got)
		}
		r.want(r.channel("general"))
	})
}

func TestMissedMessageThatIsNeverAcceptedIsAnsweredPlainlyInTheEnd(t *testing.T) {
	remembering(t, setup{}, func(r *rig, _ *notebook) {
		r.down()
		r.onAccept(func(context.Context, bots.Event) error { return errors.New("disk on fire") })
		r.say("ada", "general", "", r.mention("one"))
		time.Sleep(time.Minute)
		r.up()
		r.pass(3 * time.Hour)
		if got := r.shows(r.channel("general")); len(got) != 1 || !strings.Contains(got[0], "went wrong") {
			t.Errorf("channel shows %q", got)
		}
		// Nor is it answered a second time.
		r.onAccept(nil)
		r.down()
		r.up()
		if got := r.taken(); len(got) != 0 {
			t.Errorf("accepted %+v after it was refused", got)
		}
	})
}

// The author of a follow-up does not hear that it could not be taken in, so it has to be.
func TestUnacceptedFollowUpIsReadAgain(t *testing.T) {
	remembering(t, withContent, func(r *rig, _ *notebook) {
		to := r.asked("hi")
		r.post(to, "K-1", "hello")
		r.onAccept(func(context.Context, bots.Event) error { return errors.New("disk on fire") })
		id := r.say("ada", to.Thread, "", "and then?")
		r.pass(3 * time.Second)
		r.onAccept(nil)
		r.pass(10 * time.Minute)
		if e := r.one(); e.EventID != id || !e.Late {
			t.Errorf("event is %+v", e)
		}
	})
}

func TestPlacesThatCannotBeReadAreSkipped(t *testing.T) {
	remembering(t, setup{}, func(r *rig, n *notebook) {
		gone := r.fake.OpenDM("ada")
		n.add(agent.Address{Platform: Name, Channel: gone}, agent.Address{Platform: Name, Channel: "no/such"})
		if err := r.fake.RemoveChannel(gone); err != nil {
			t.Fatal(err)
		}
		r.down()
		r.say("ada", "general", "", r.mention("unseen"))
		r.say("ada", "random", "", r.mention("seen"))
		r.fake.Inject(sandbox.DiscordFault{Route: fakeHistory, Times: -1, Status: 403, Body: `{"code":50001,"message":"Missing Access"}`,
			Match: func(q *http.Request) bool { return q.PathValue("channel") == r.channel("general") }})
		time.Sleep(time.Hour)
		r.up()
		if got := r.one().Text; got != "seen" {
			t.Errorf("text is %q", got)
		}
		if !strings.Contains(r.logged(), "caught up") {
			t.Error("the catch-up did not end")
		}
	})
}

func TestCatchUpIsPacedAndBounded(t *testing.T) {
	remembering(t, setup{}, func(r *rig, n *notebook) {
		for i := range activePlaces + 50 {
			n.add(agent.Address{Platform: Name, Channel: strconv.Itoa(9_000_000 + i)})
		}
		r.down()
		time.Sleep(time.Hour)
		began, before := time.Now(), r.fake.Calls(fakeHistory)
		r.up()
		if most := int(time.Since(began)/catchUpPace) + 1; r.fake.Calls(fakeHistory)-before > most {
			t.Errorf("made %d calls in %v", r.fake.Calls(fakeHistory)-before, time.Since(began))
		}
		r.pass(4 * time.Minute)
		if n := r.fake.Calls(fakeHistory) - before; n != activePlaces {
			t.Errorf("made %d calls", n)
		}
		if !strings.Contains(r.logged(), "only the conversations that were active last") {
			t.Error("what was left out is not said")
		}
	})
}

func TestAnswerToAMissedMessageSaysWhatItAnswers(t *testing.T) {
	remembering(t, setup{}, func(r *rig, n *notebook) {
		dm := r.fake.OpenDM("grace")
		n.add(agent.Address{Platform: Name, Channel: dm})
		r.down()
		id := r.say("grace", dm, "", "are you there?")
		time.Sleep(time.Hour)
		r.up()
		to := r.one().Target
		if one, two := r.message(r.post(to, "K-1", "now I am")), r.message(r.post(to, "K-2", "more")); one.ReplyTo != id || two.ReplyTo != "" {
			t.Errorf("posted %+v and %+v", one, two)
		}
	})
}
