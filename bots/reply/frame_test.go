package reply

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"bobbin/agent"
	"bobbin/bots"
)

func TestStepsStandAboveTheTextUntilTheAnswerIsComplete(t *testing.T) {
	bubble(t, func(t *testing.T, s *theatre) {
		s.pageSize = 100
		s.replies = New(Options{Buttons: true, Footer: Facts()}, s.stage)
		r := s.reply("T", &journal{})
		r.Update(agent.Update{Status: "reading a", Steps: []string{"reading a"}, Working: true})
		time.Sleep(5 * time.Second)
		s.wantCalls("post") // the platform's own sign says it
		r.Update(agent.Update{Text: "Hm.", Status: "calculating", Steps: []string{"reading a", "calculating"}, Working: true})
		time.Sleep(5 * time.Second)
		r.Update(agent.Update{Text: "Hm.\n\nIt is", Steps: []string{"reading a", "calculating"}})
		time.Sleep(5 * time.Second)
		if err := r.Finish(t.Context(), agent.Outcome{
			Kind: agent.Answered, Text: "Hm.\n\nIt is 4.", Model: "@cf/x/wise-7b", Took: 2340 * time.Millisecond,
			Usage: agent.Usage{Input: 1234, Output: 56, Neurons: 20},
		}); err != nil {
			t.Error(err)
		}
		s.wantCalls("post edit",
			"post ^⏳ reading a · calculating…\nHm.\n[Stop]",
			"edit ^✓ reading a · calculating\nHm.\n\nIt is\n[Stop]",
			"edit Hm.\n\nIt is 4.\n_wise-7b · 2.3s · 1.2k → 56 tokens · $0.00022\n[Try again]\n[👍]\n[👎]",
		)
	})
}

func TestWhatIsBeingDoneStandsAloneWhereTheSignHasNoWords(t *testing.T) {
	bubble(t, func(t *testing.T, s *theatre) {
		s.pageSize, s.wordless = 100, true
		r := s.reply("T", &journal{})
		for _, u := range []agent.Update{
			{Status: agent.Thinking}, {Status: "waiting for other answers to finish"}, {Status: "thinking"},
			{Status: "reading a", Steps: []string{"a", "b", "c", "reading a"}, Working: true},
		} {
			r.Update(u)
			time.Sleep(5 * time.Second)
		}
		s.finish(r, "Done.")
		s.wantCalls("post edit", "post ^⏳ waiting for other answers to finish…", "edit ^⏳ 1 more · b · c · reading a…", "edit Done.")
	})
}

func TestAReplyWhoseQuestionIsTakenBackGoes(t *testing.T) {
	bubble(t, func(t *testing.T, s *theatre) {
		r := s.reply("T", &journal{})
		say(r, "0123456789ab")
		time.Sleep(time.Minute)
		if err := r.Finish(t.Context(), agent.Outcome{Kind: agent.Withdrawn}); err != nil {
			t.Error(err)
		}
		s.want("T")
		if err := s.reply("U", &journal{}).Finish(t.Context(), agent.Outcome{Kind: agent.Withdrawn}); err != nil {
			t.Error(err)
		}
		s.wantCalls("post", "post 0123456789", "post ab")
	})
}

func TestWhatIsDoneAtOnceIsNotAnnounced(t *testing.T) {
	bubble(t, func(t *testing.T, s *theatre) {
		s.pageSize, s.wordless = 100, true
		r := s.reply("T", &journal{})
		r.Update(agent.Update{Status: "calculating", Steps: []string{"calculating"}, Working: true})
		time.Sleep(time.Second)
		r.Update(agent.Update{Text: "It is 4.", Steps: []string{"calculating"}})
		time.Sleep(time.Minute)
		s.wantCalls("post", "post ^✓ calculating\nIt is 4.")
	})
}

func TestOnlyTheLastMessageHasAFrame(t *testing.T) {
	bubble(t, func(t *testing.T, s *theatre) {
		s.replies = New(Options{Buttons: true}, streaming{s.stage})
		r := s.reply("T", &journal{})
		say(r, "0123456789ab")
		time.Sleep(time.Minute)
		s.want("T", "0123456789\n■", "ab\n[Stop]")
		s.finish(r, "0123456789ab")
		s.want("T", "0123456789\n■", "ab\n[Try again]\n[👍]\n[👎]\n■")
	})
}

// streaming is a stage that has to be told which edits are the last.
type streaming struct{ *stage }

func (streaming) Streams(agent.Target) bool { return true }

func TestAFailedOrPausedAnswerIsNotJudged(t *testing.T) {
	for kind, want := range map[agent.OutcomeKind]string{
		agent.Failed: "It broke.\n[Try again]", agent.Stopped: "It broke.\n[Try again]", agent.Paused: "⏳ It broke.",
	} {
		bubble(t, func(t *testing.T, s *theatre) {
			s.pageSize = 100
			s.replies = New(Options{Buttons: true}, s.stage)
			if err := s.reply("T", &journal{}).Finish(t.Context(), agent.Outcome{Kind: kind, Notice: "It broke."}); err != nil {
				t.Error(err)
			}
			s.want("T", want)
		})
	}
}

func TestLinesOfTheFrameStayShort(t *testing.T) {
	long := strings.Repeat("é", 1000)
	l := &live{}
	for _, line := range []string{
		foot(Facts(), agent.Outcome{Model: long}),
		l.head(agent.Update{Steps: []string{long, long}, Working: true}),
		l.head(agent.Update{Steps: []string{long}}),
		l.head(agent.Update{Status: long}),
	} {
		if n := utf8.RuneCountInString(line); n > bots.MaxFrame || !strings.HasSuffix(line, "…") {
			t.Errorf("%d characters: %s", n, line)
		}
	}
	if got := foot(Facts(), agent.Outcome{}); got != "" {
		t.Errorf("without facts the footer is %q", got)
	}
}

func TestTheCompleteAnswerIsPostedAnewWhereThatIsWanted(t *testing.T) {
	bubble(t, func(t *testing.T, s *theatre) {
		s.replies = New(Options{Repost: true}, s.stage)
		j := &journal{}
		r := s.reply("T", j)
		say(r, "0123456789ab")
		time.Sleep(time.Minute)
		s.finish(r, "0123456789abc")
		s.want("T", "0123456789", "abc")
		s.wantCalls("post delete", "post 0123456789", "post ab", "post 0123456789", "post abc", "delete", "delete")

		quiet := s.reply("U", &journal{})
		s.finish(quiet, "at once")
		s.want("U", "at once")
	})
}

func TestAnAnswerThatThePlatformRefusesGetsASentenceAndIsUndeliverable(t *testing.T) {
	bubble(t, func(t *testing.T, s *theatre) {
		s.pageSize = 200
		s.onCall(func(c call) (f fault) {
			if strings.Contains(c.text, "rude") {
				f.err = bots.ErrRejected
			}
			return f
		})
		r := s.reply("T", &journal{})
		say(r, "some")
		time.Sleep(time.Minute)
		say(r, "some rude")
		time.Sleep(time.Minute)
		err := r.Finish(t.Context(), agent.Outcome{Kind: agent.Answered, Text: "some rude words"})
		if !errors.Is(err, agent.ErrUndeliverable) || !errors.Is(err, bots.ErrRejected) {
			t.Errorf("error %v", err)
		}
		s.want("T", refused)
		if n := len(s.all()); n > 10 {
			t.Errorf("%d calls", n)
		}
	})
}

func TestAMessageThatIsRefusedOnceIsShownTheNextTime(t *testing.T) {
	bubble(t, func(t *testing.T, s *theatre) {
		s.faults(map[string][]fault{"post": {{err: bots.ErrRejected}}})
		s.finish(s.reply("T", &journal{}), "fine")
		s.want("T", "fine")
	})
}

func TestALateAnswerSaysWhatItAnswers(t *testing.T) {
	late := func(text, name string) agent.Inbound {
		in := turnOf("T", "c").Inbound[0]
		in.Text, in.Author.Name, in.Late = text, name, true
		return in
	}
	alone := late("who?", "Ada")
	alone.Direct = true
	own := late("why?\n\n[This is about a message.]\n> Eve:\n> so", "Ada")
	own.Direct, own.Late, own.Target.User = true, false, "U1"
	for name, test := range map[string]struct {
		in   []agent.Inbound
		want string
	}{
		"in a channel":  {[]agent.Inbound{late("What *is*\n`it`?", "Ada <3")}, "> Ada \\<3: What \\*is\\* \\`it\\`\\?\n\nyes"},
		"in a dm":       {[]agent.Inbound{alone}, "> who\\?\n\nyes"},
		"beside others": {[]agent.Inbound{own}, "> Ada: why\\?\n\nyes"},
		"some of them":  {[]agent.Inbound{late("a", "A"), turnOf("T", "c").Inbound[0], late("b", "B")}, "> A: a\n>\n> B: b\n\nyes"},
		"long":          {[]agent.Inbound{late(strings.Repeat("ü ", 200), "A")}, "> A: " + strings.TrimSpace(strings.Repeat("ü ", 60)) + "…\n\nyes"},
		"not late":      {turnOf("T", "c").Inbound, "yes"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, s *theatre) {
				s.pageSize = 1000
				turn := turnOf("T", "c")
				turn.Inbound = test.in
				r := s.replyIn(s.replies, turn, &journal{})
				time.Sleep(time.Second)
				s.wantCalls("post") // a question alone is no answer
				s.finish(r, "yes")
				s.want("T", test.want)

				shows := New(Options{}, referring{s.stage})
				turn.ID = "U"
				s.finish(s.replyIn(shows, turn, &journal{}), "yes")
				s.want("U", "yes")
			})
		})
	}
}

// referring is a stage whose answers show what they answer.
type referring struct{ *stage }

func (referring) Refers(agent.Target) bool { return true }

// marking is a stage whose messages can be marked.
type marking struct {
	*stage
	slow    bool // takes a mark away only when nobody waits for it any more
	cleared []agent.MessageID
}

func (m *marking) Mark(ctx context.Context, _ agent.Target, id agent.MessageID, waits bool) error {
	if m.slow {
		<-ctx.Done()
	}
	if !waits {
		m.cleared = append(m.cleared, id)
	}
	return errLost
}

func TestTheSignsOfMessagesThatWaitedGoWithTheirAnswer(t *testing.T) {
	bubble(t, func(t *testing.T, s *theatre) {
		on := &marking{stage: s.stage}
		turn := turnOf("T", "c")
		more := turn.Inbound[0]
		more.MessageID, more.Waits = "waited", true
		turn.Inbound = append(turn.Inbound, more)
		r := s.replyIn(New(Options{}, on), turn, &journal{})
		say(r, "so")
		time.Sleep(time.Minute)
		if len(on.cleared) > 0 {
			t.Errorf("cleared %q before the end", on.cleared)
		}
		s.finish(r, "so far")
		synctest.Wait()
		if !slices.Equal(on.cleared, []agent.MessageID{"waited"}) {
			t.Errorf("cleared %q", on.cleared)
		}
	})
}

func TestAnAnswerIsNotHeldUpByTheSignsOfMessagesThatWaited(t *testing.T) {
	bubble(t, func(t *testing.T, s *theatre) {
		on := &marking{stage: s.stage, slow: true}
		turn := turnOf("T", "c")
		turn.Inbound[0].Waits = true
		replies := New(Options{}, on)
		began := time.Now()
		s.finish(s.replyIn(replies, turn, &journal{}), "done")
		if took := time.Since(began); took > time.Second || len(on.cleared) > 0 {
			t.Errorf("it took %s, cleared %q", took, on.cleared)
		}
		began = time.Now()
		replies.Close()
		if took := time.Since(began); took != closeWait || len(on.cleared) != 1 {
			t.Errorf("to close took %s, cleared %q", took, on.cleared)
		}
	})
}

func TestFactsNameNothingTwice(t *testing.T) {
	if fs := Facts(); len(slices.Compact(slices.Sorted(slices.Values(fs)))) != len(fs) {
		t.Error(fs)
	}
}
