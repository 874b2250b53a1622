package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"bobbin/bots/sandbox"
)

func TestTroubleWithTheModelEndsInOnePlainSentence(t *testing.T) {
	const half = "Half of the answer is here"
	calls := []sandbox.AICall{{Name: "calculate", Args: `{"expression":"1+1"}`}}
	for name, c := range map[string]struct {
		reply sandbox.AIReply
		kept  string // what was said before
		says  string
	}{
		"it breaks off":                 {sandbox.AIReply{Text: half, End: sandbox.AICut}, half, "broke off"},
		"it ends without its end":       {sandbox.AIReply{Text: half, End: sandbox.AINoMark}, half, "broke off"},
		"it falls silent":               {sandbox.AIReply{Text: half, End: sandbox.AISilent}, half, "broke off"},
		"it fails after some text":      {sandbox.AIReply{Text: half, Code: 3043, Message: "internal secret-detail"}, half, "broke off"},
		"it is silent from the start":   {sandbox.AIReply{End: sandbox.AISilent}, "", "busy or not reachable"},
		"the day is used up":            {sandbox.AIFails(429, 4006, "you have used up your daily free allocation"), "", "midnight UTC"},
		"the server fails":              {sandbox.AIFails(500, 3043, "internal secret-detail"), "", "busy or not reachable"},
		"there is no capacity":          {sandbox.AIFails(429, 3040, "Capacity temporarily exceeded"), "", "busy or not reachable"},
		"the models are gone":           {sandbox.AIFails(410, 5028, "deprecated"), "", "None of the language models"},
		"the token is wrong":            {sandbox.AIFails(401, 10000, "Authentication error"), "", "refused my request"},
		"the conversation is too long":  {sandbox.AIFails(413, 5021, "secret-detail"), "", "too long"},
		"it says nothing":               {sandbox.AISays(""), "", "no usable answer"},
		"it only thinks":                {sandbox.AIReply{Think: "secret-detail " + strings.Repeat("and so on ", 50)}, "", ""},
		"it streams no JSON":            {sandbox.AIReply{Body: "data: {secret-detail\n\ndata: [DONE]\n\n"}, "", ""},
		"it answers with a page":        {sandbox.AIReply{Body: "<html>secret-detail</html>", ContentType: "text/html"}, "", ""},
		"it streams JSON of other kind": {sandbox.AIReply{Body: "data: [1,2,3]\n\ndata: \"secret-detail\"\n\ndata: null\n\ndata: [DONE]\n\n"}, "", ""},
		"it calls tools for ever":       {sandbox.AIReply{Text: half, Calls: calls}, half, ""},
		"it calls a tool that is not":   {sandbox.AICalling(sandbox.AICall{Name: "rm_rf", Args: `{"secret-detail":1}`}), "", "after 8 steps with tools"},
		"its calls are broken":          {sandbox.AICalling(sandbox.AICall{Name: "calculate", Args: `{"expression`}), "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			config := func(c *Config) { c.WorkersAI.IdleTimeout = 10 * time.Second }
			bubble(t, setup{config: config}, func(r *rig) {
				r.script(c.reply)
				root := r.say(ada, general, "", "@bobbin tell me")
				r.settle()
				text := shown(r.one(r.thread(general, root)))
				if !strings.HasPrefix(text, c.kept) || !strings.Contains(text, c.says) {
					t.Errorf("the answer is %q, want it to keep %q and to say %q", text, c.kept, c.says)
				}
				notice := text[strings.LastIndexByte(text, '\n')+1:]
				if c.kept != "" && c.says != "" && !strings.HasPrefix(notice, "⚠️ ") || c.says != "" && !strings.HasSuffix(notice, ".") {
					t.Errorf("the answer does not end with a sentence: %q", text)
				}
				if strings.Contains(text, "secret-detail") {
					t.Errorf("the answer shows internals: %q", text)
				}

				r.script(sandbox.AISays("All is well again."))
				r.restart() // with it goes what the daemon holds against the models
				r.say(ada, general, root, "and now?")
				r.settle()
				answers := r.answers(r.thread(general, root))
				r.shows(answers[len(answers)-1], "All is well again.")
			})
		})
	}
}

func TestNextModelAnswersForOneThatCannot(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		r.ai.SetScript(func(_ context.Context, q sandbox.AIRequest) sandbox.AIReply {
			if q.Model == r.cfg.WorkersAI.Models[0] {
				return sandbox.AIFails(410, 5028, "withdrawn")
			}
			return sandbox.AISays("The second says this.")
		})
		root := r.say(ada, general, "", "@bobbin tell me")
		r.settle()
		if text := shown(r.one(r.thread(general, root))); text != "The second says this." {
			t.Errorf("the answer is %q", text)
		}
	})
}

func TestModelThatMayCallNoMoreAnswersFromWhatItHas(t *testing.T) {
	config := func(c *Config) { c.Agent.MaxSteps = 3 }
	bubble(t, setup{config: config}, func(r *rig) {
		r.ai.SetScript(func(_ context.Context, q sandbox.AIRequest) sandbox.AIReply {
			if q.Offers("calculate") {
				return sandbox.AICalling(sandbox.AICall{Name: "calculate", Args: `{"expression":"1+1"}`})
			}
			return sandbox.AISays("It is 2, I am sure by now.")
		})
		root := r.say(ada, general, "", "@bobbin what is 1+1?")
		r.settle()
		if text := shown(r.one(r.thread(general, root))); text != "It is 2, I am sure by now." {
			t.Errorf("the answer is %q", text)
		}
		if n := r.ai.Count(); n != 3 {
			t.Errorf("the model was asked %d times, want 3", n)
		}
	})
}

func TestTurnThatTakesTooLongKeepsItsText(t *testing.T) {
	config := func(c *Config) { c.Agent.TurnTimeout = 30 * time.Second }
	bubble(t, setup{config: config}, func(r *rig) {
		r.script(sandbox.AIReply{Text: "It goes " + strings.Repeat("on and ", 1000), Pace: time.Second})
		root := r.say(ada, general, "", "@bobbin how does it go?")
		r.settle()
		r.shows(r.one(r.thread(general, root)), "It goes on and on", "longer than I am allowed")
	})
}

// slowly is a reply that takes a while.
func slowly(text string) sandbox.AIReply { return sandbox.AIReply{Text: text, Pace: time.Second} }

func TestRestartInTheMiddleOfAnAnswerGoesOnInTheSameMessage(t *testing.T) {
	const text = "This answer takes so long that the daemon is stopped before it is complete, and yet it will stand there in full."
	config := func(c *Config) { c.Agent.Drain = time.Millisecond }
	t.Run("slack", func(t *testing.T) {
		bubble(t, setup{config: config}, func(r *rig) {
			r.script(slowly(text))
			root := r.say(ada, general, "", "@bobbin take your time")
			for range 3 {
				asked := r.ai.Count()
				r.eventually("the answer grows", func() bool {
					ms := r.thread(general, root)
					return r.ai.Count() > asked-1 && len(ms) == 1 && len(shown(ms[0])) > 20
				})
				r.restart()
			}
			r.settle()
			if got := shown(r.one(r.thread(general, root))); got != text {
				t.Errorf("the answer is %q", got)
			}
			if n := r.slack.Calls("chat.postMessage"); n != 1 {
				t.Errorf("%d messages were posted, want 1", n)
			}
			r.say(ada, general, root, "go on")
			r.settle()
			if told := r.told(); strings.Count(told, "take your time") != 1 || strings.Count(told, text) != 1 {
				t.Errorf("the conversation holds something twice, or not at all:\n%s", told)
			}
		})
	})
	t.Run("discord", func(t *testing.T) {
		bubble(t, setup{config: config}, func(r *rig) {
			r.script(slowly(text))
			first := r.mention("ada", "take your time")
			r.eventually("the answer grows", func() bool {
				ms := r.answers(r.inD(first))
				return len(ms) == 1 && len(ms[0].Text) > 20
			})
			r.restart()
			r.settle()
			if got := r.one(r.inD(first)).Text; got != text {
				t.Errorf("the answer is %q", got)
			}
			if n := r.discord.Calls("POST /channels/{channel}/messages"); n != 1 {
				t.Errorf("%d messages were posted, want 1", n)
			}
		})
	})
}

func TestRestartBetweenStepsDoesNotRepeatThem(t *testing.T) {
	config := func(c *Config) { c.Agent.Drain = time.Millisecond }
	bubble(t, setup{config: config}, func(r *rig) {
		r.script(
			sandbox.AIReply{Text: "Let me calculate.", Calls: []sandbox.AICall{{Name: "calculate", Args: `{"expression":"6*7"}`}}},
			slowly("It comes to forty-two, which is the answer to everything."),
		)
		root := r.say(ada, general, "", "@bobbin what is 6*7?")
		r.eventually("the second step is shown", func() bool {
			ms := r.thread(general, root)
			return len(ms) == 1 && strings.Contains(shown(ms[0]), "forty")
		})
		r.restart()
		r.settle()
		if got, want := shown(r.one(r.thread(general, root))), "Let me calculate.\n\nIt comes to forty-two, which is the answer to everything."; got != want {
			t.Errorf("the answer is %q, want %q", got, want)
		}
		if n := r.ai.Count(); n != 3 {
			t.Errorf("the model was asked %d times, want once for the first step and twice for the second", n)
		}
	})
}

func TestStopLetsARunningAnswerEnd(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		r.script(sandbox.AISays("This answer is complete before the daemon ends."))
		root := r.say(ada, general, "", "@bobbin be quick")
		r.eventually("the answer begins", func() bool { return len(r.thread(general, root)) == 1 })
		r.halt()
		if got := shown(r.one(r.thread(general, root))); got != "This answer is complete before the daemon ends." {
			t.Errorf("the answer is %q", got)
		}
	})
}

func TestMessageAcceptedJustBeforeAStopIsAnsweredAfterTheStart(t *testing.T) {
	config := func(c *Config) { c.Agent.Drain = time.Millisecond }
	bubble(t, setup{config: config}, func(r *rig) {
		r.script(sandbox.AIReply{Text: "Here I am again.", Delay: 10 * time.Second})
		root := r.say(ada, general, "", "@bobbin are you there?")
		first := r.mention("ada", "are you there?")
		r.eventually("both messages are accepted", func() bool { return r.slack.Deliveries().Waiting == 0 && r.daemon.agent.Live() == 2 })
		r.halt()
		for _, m := range []sandbox.Message{r.one(r.thread(general, root)), r.one(r.inD(first))} {
			if got := shown(m); got != "⏳ I am being restarted and go on here as soon as I am back." {
				t.Errorf("while the daemon is down people read %q", got)
			}
		}
		r.start()
		r.settle()
		r.shows(r.one(r.thread(general, root)), "Here I am again.")
		r.shows(r.one(r.inD(first)), "Here I am again.")
	})
}

func TestMessageToAStoppedDaemonIsAnsweredAfterTheStart(t *testing.T) {
	bubble(t, setup{idle: true}, func(r *rig) {
		root := r.say(ada, general, "", "@bobbin hello")
		r.start()
		r.eventually("it is delivered again", func() bool { return r.slack.Deliveries().Waiting == 0 })
		r.settle()
		r.one(r.thread(general, root))
	})
}

func TestSlackIsObeyedWhenItAsksToSlowDown(t *testing.T) {
	const pause = 40 * time.Second
	bubble(t, setup{}, func(r *rig) {
		var mu sync.Mutex
		var refused time.Time
		calls, hasty := 0, 0
		r.slack.Fault(func(method string, _ url.Values) *sandbox.SlackFault {
			if method != "chat.update" {
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			if time.Since(refused) < pause {
				hasty++
			}
			if calls++; calls > 4 {
				return nil
			}
			refused = time.Now()
			return &sandbox.SlackFault{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"40"}}}
		})
		text := strings.Repeat("More of it. ", 60) + "The end."
		r.script(sandbox.AISays(text))
		root := r.say(ada, general, "", "@bobbin tell me")
		r.settle()
		if got := shown(r.one(r.thread(general, root))); got != text {
			t.Errorf("the answer is %q", got)
		}
		if hasty > 0 {
			t.Errorf("%d calls came before Slack's time was over", hasty)
		}
		if calls < 5 {
			t.Errorf("there were %d calls, so nothing was refused and tried again", calls)
		}
	})
}

func TestPostWhoseAnswerIsLostStandsOnce(t *testing.T) {
	for name, fault := range map[string]sandbox.SlackFault{
		"the connection breaks":  {Execute: true, Drop: true},
		"the answer is an error": {Execute: true, Status: http.StatusBadGateway, Body: "bad gateway"},
		"it never arrived":       {Drop: true},
	} {
		t.Run("slack/"+name, func(t *testing.T) {
			bubble(t, setup{}, func(r *rig) {
				var once sync.Once
				r.slack.Fault(func(method string, _ url.Values) (f *sandbox.SlackFault) {
					if method == "chat.postMessage" {
						once.Do(func() { f = &fault })
					}
					return f
				})
				r.script(sandbox.AISays("This stands here once."))
				root := r.say(ada, general, "", "@bobbin tell me")
				r.settle()
				r.shows(r.one(r.thread(general, root)), "This stands here once.")
			})
		})
		t.Run("discord/"+name, func(t *testing.T) {
			bubble(t, setup{}, func(r *rig) {
				r.discord.Inject(sandbox.DiscordFault{
					Route:   "POST /channels/{channel}/messages",
					Execute: fault.Execute, Drop: fault.Drop, Status: fault.Status, Body: fault.Body,
				})
				r.script(sandbox.AISays("This stands here once."))
				first := r.mention("ada", "tell me")
				r.settle()
				r.shows(r.one(r.inD(first)), "This stands here once.")
			})
		})
	}
}

func TestAnswerThatIsDeletedWhileItGrowsIsPutUpAgain(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		const text = "Somebody deletes this before it is complete, but it is wanted all the same."
		r.script(slowly(text))
		first := r.mention("ada", "tell me")
		r.eventually("the answer begins", func() bool { return len(r.answers(r.inD(first))) == 1 })
		if err := r.discord.Remove(first, r.one(r.inD(first)).ID); err != nil {
			t.Fatal(err)
		}
		r.settle()
		if got := r.one(r.inD(first)).Text; got != text {
			t.Errorf("the answer is %q", got)
		}
	})
}

func TestPlaceThatIsClosedToBobbinConcernsNobodyElse(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		r.script(slowly("This will have no place to stand in."))
		r.say(ada, general, "", "@bobbin tell me")
		r.eventually("the model is asked", func() bool { return r.ai.Count() == 1 })
		r.slack.Forbid(general, "is_archived")
		r.settle()

		r.script(sandbox.AISays("Here all is well."))
		root := r.say(ada, "C0RANDOM", "", "@bobbin tell me")
		r.settle()
		r.shows(r.one(r.thread("C0RANDOM", root)), "Here all is well.")
	})
}

func TestMalformedEventsAreIgnoredAndCounted(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		for _, frame := range []string{
			`{`, `null`, `[]`, `"text"`, `{"type":"events_api"}`, `{"type":"no_such_type","envelope_id":"e1","payload":{}}`,
			`{"type":"events_api","envelope_id":"e2","payload":{"type":"event_callback","event_id":"Ev1","event":null}}`,
			`{"type":"events_api","envelope_id":"e3","payload":{"type":"event_callback","event_id":"Ev2","event":{"type":"message","text":"no author","channel":"C0GENERAL","ts":"1.000001"}}}`,
			`{"type":"events_api","envelope_id":"e4","payload":{"type":"event_callback","event_id":"Ev3","event":{"type":"app_mention","user":{},"channel":7,"ts":[]}}}`,
			`{"type":"slash_commands","envelope_id":"e5","payload":{"command":"/bobbin","text":"ask hello"}}`,
			`{"type":"interactive","envelope_id":"e6","payload":"nothing"}`,
		} {
			r.slack.Deliver(frame)
			synctest.Wait()
		}
		for _, data := range []string{
			`null`, `[]`, `"text"`, `{}`, `{"id":"1","channel_id":"2","content":"no author"}`,
			`{"id":"x","channel_id":"../..","author":{"id":"1"},"content":"hello"}`, `{"id":{},"author":[]}`,
		} {
			for _, event := range []string{"MESSAGE_CREATE", "INTERACTION_CREATE", "THREAD_CREATE", "GUILD_CREATE", "NO_SUCH_EVENT"} {
				if err := r.discord.Dispatch(event, json.RawMessage(data)); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
			}
		}
		r.settle()
		if n := r.ai.Count(); n > 0 {
			t.Errorf("the model was asked %d times", n)
		}
		r.eventually("all is connected again", func() bool { return len(r.daemon.ready()) == 0 })
		root := r.say(ada, general, "", "@bobbin hello")
		first := r.mention("ada", "hello")
		r.settle()
		r.one(r.thread(general, root))
		r.one(r.inD(first))
	})
}
