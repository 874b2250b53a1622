package sandbox_test

import (
	"slices"
	"testing"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"

	"bobbin/bots/sandbox"
)

func TestSlackReactions(t *testing.T) {
	a := newSlackListener(t, sandbox.SlackOptions{})
	ctx := t.Context()
	ts := a.post(slack.MsgOptionText("hello", false))
	item := slack.NewRefToMessage("C0GENERAL", ts)
	if err := a.React("U0ADA", "C0GENERAL", ts, "+1"); err != nil {
		t.Fatal(err)
	}
	if e := slackEvent[*slackevents.ReactionAddedEvent](a); e.User != "U0ADA" || e.Reaction != "+1" || e.ItemUser != "U0BOBBIN" || e.Item.Channel != "C0GENERAL" || e.Item.Timestamp != ts {
		t.Errorf("the app heard %+v", e)
	}
	if err := a.React("U0GRACE", "C0GENERAL", ts, ":+1:"); err != nil {
		t.Fatal(err)
	}
	slackEvent[*slackevents.ReactionAddedEvent](a)
	if err := a.api.AddReactionContext(ctx, "eyes", item); err != nil {
		t.Fatal(err)
	}
	slackEvent[*slackevents.ReactionAddedEvent](a)
	got, err := a.api.GetReactionsContext(ctx, item, slack.NewGetReactionsParameters())
	want := []slack.ItemReaction{{Name: "+1", Count: 2, Users: []string{"U0ADA", "U0GRACE"}}, {Name: "eyes", Count: 1, Users: []string{"U0BOBBIN"}}}
	if err != nil || !slices.EqualFunc(got.Reactions, want, func(a, b slack.ItemReaction) bool {
		return a.Name == b.Name && a.Count == b.Count && slices.Equal(a.Users, b.Users)
	}) {
		t.Errorf("there stand %+v, %v", got.Reactions, err)
	}
	if err := a.Unreact("U0ADA", "C0GENERAL", ts, "+1"); err != nil {
		t.Fatal(err)
	}
	if e := slackEvent[*slackevents.ReactionRemovedEvent](a); e.User != "U0ADA" || e.Reaction != "+1" {
		t.Errorf("then it heard %+v", e)
	}
	if m := a.message(ts); m.Edits != 0 || len(m.Reactions) != 2 || !slices.Equal(m.Reactions[0].Users, []string{"U0GRACE"}) {
		t.Errorf("people see %+v", m)
	}
	for name, c := range map[string]struct {
		err  error
		code string
	}{
		"once more":         {a.api.AddReactionContext(ctx, "eyes", item), "already_reacted"},
		"another's":         {a.api.RemoveReactionContext(ctx, "+1", item), "no_reaction"},
		"no emoji":          {a.api.AddReactionContext(ctx, "👍", item), "invalid_name"},
		"no message":        {a.api.AddReactionContext(ctx, "eyes", slack.NewRefToMessage("C0GENERAL", "1.000001")), "message_not_found"},
		"no ts":             {a.api.AddReactionContext(ctx, "eyes", slack.NewRefToMessage("C0GENERAL", "x")), "bad_timestamp"},
		"no channel":        {a.api.AddReactionContext(ctx, "eyes", slack.NewRefToMessage("C9", ts)), "channel_not_found"},
		"nothing":           {a.api.AddReactionContext(ctx, "eyes", slack.ItemRef{}), "no_item_specified"},
		"a person's second": {a.Unreact("U0ADA", "C0GENERAL", ts, "+1"), "unreact: no_reaction"},
	} {
		if slackCode(c.err) != c.code {
			t.Errorf("%s gave %v, want %s", name, c.err, c.code)
		}
	}
}

func TestSlackAppIsInvited(t *testing.T) {
	a := newSlackListener(t, sandbox.SlackOptions{})
	ctx := t.Context()
	a.Forbid("C0RANDOM", "not_in_channel")
	if _, _, err := a.api.PostMessageContext(ctx, "C0RANDOM", slack.MsgOptionText("x", false)); slackCode(err) != "not_in_channel" {
		t.Errorf("a post from outside gave %v", err)
	}
	if err := a.Invite("U0ADA", "C0GENERAL"); err == nil {
		t.Error("it was invited to where it is")
	}
	if err := a.Invite("U0ADA", "C0RANDOM"); err != nil {
		t.Fatal(err)
	}
	if e := slackEvent[*slackevents.MemberJoinedChannelEvent](a); e.User != "U0BOBBIN" || e.Inviter != "U0ADA" || e.Channel != "C0RANDOM" || e.ChannelType != "C" {
		t.Errorf("the app heard %+v", e)
	}
	if _, _, err := a.api.PostMessageContext(ctx, "C0RANDOM", slack.MsgOptionText("x", false)); err != nil {
		t.Errorf("a post from inside gave %v", err)
	}
	slackEvent[*slackevents.MessageEvent](a)
	if err := a.Join("U0GRACE", "C0RANDOM"); err != nil {
		t.Fatal(err)
	}
	if e := slackEvent[*slackevents.MemberJoinedChannelEvent](a); e.User != "U0GRACE" || e.Inviter != "" {
		t.Errorf("then it heard %+v", e)
	}
	if err := a.Remove("U0ADA", "C0RANDOM"); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Say("U0ADA", "C0RANDOM", "", "@bobbin unheard"); err != nil {
		t.Fatal(err)
	}
	a.say("the next event")
}

func TestSlackTellsOfPeopleAndPlaces(t *testing.T) {
	s := newSlackRig(t, sandbox.SlackOptions{Users: []sandbox.User{{ID: "U0ADA", Name: "Ada", Timezone: "Asia/Tokyo"}, {ID: "U0GRACE", Name: "Grace"}}})
	ctx := t.Context()
	u, err := s.api.GetUserInfoContext(ctx, "U0ADA")
	if err != nil || u.TZ != "Asia/Tokyo" || u.TZOffset != 9*3600 || u.IsBot || u.Deleted || u.Profile.DisplayName != "Ada" {
		t.Errorf("Ada is %+v, %v", u, err)
	}
	if u, err := s.api.GetUserInfoContext(ctx, "U0BOBBIN"); err != nil || !u.IsBot || u.Profile.BotID != "B0BOBBIN" {
		t.Errorf("bobbin is %+v, %v", u, err)
	}
	if err := s.Deactivate("U0GRACE"); err != nil {
		t.Fatal(err)
	}
	if u, err := s.api.GetUserInfoContext(ctx, "U0GRACE"); err != nil || !u.Deleted || u.TZ != "" {
		t.Errorf("Grace is %+v, %v", u, err)
	}
	if _, err := s.Say("U0GRACE", "C0GENERAL", "", "x"); err == nil {
		t.Error("who is gone could write")
	}
	members, next, err := s.api.GetUsersInConversationContext(ctx, &slack.GetUsersInConversationParameters{ChannelID: "C0GENERAL", Limit: 1})
	if err != nil || len(members) != 1 || next == "" {
		t.Fatal(members, next, err)
	}
	rest, next, err := s.api.GetUsersInConversationContext(ctx, &slack.GetUsersInConversationParameters{ChannelID: "C0GENERAL", Cursor: next})
	if got := append(members, rest...); err != nil || next != "" || !slices.Equal(got, []string{"U0BOBBIN", "U0ADA"}) {
		t.Errorf("in the channel are %v, %v", got, err)
	}
	root, err := s.Say("U0ADA", "C0GENERAL", "", "x")
	if err != nil {
		t.Fatal(err)
	}
	reply, err := s.Say("U0ADA", "C0GENERAL", root, "y")
	if err != nil {
		t.Fatal(err)
	}
	link, err := s.api.GetPermalinkContext(ctx, &slack.PermalinkParameters{Channel: "C0GENERAL", Ts: reply})
	want := "https://sandbox.slack.com/archives/C0GENERAL/p" + reply[:10] + reply[11:] + "?thread_ts=" + root + "&cid=C0GENERAL"
	if err != nil || link != want {
		t.Errorf("the link is %s, %v, want %s", link, err, want)
	}
	if _, err := s.api.GetPermalinkContext(ctx, &slack.PermalinkParameters{Channel: "C0GENERAL", Ts: "1.000001"}); slackCode(err) != "message_not_found" {
		t.Errorf("a link to nothing: %v", err)
	}
}
