package reply

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"bobbin/agent"
	"bobbin/bots"
)

// drawn is an answer with pictures.
func drawn(text string, names ...string) agent.Outcome {
	o := agent.Outcome{Kind: agent.Answered, Text: text}
	for _, name := range names {
		o.Made = append(o.Made, agent.Made{Name: name, Type: "image/png", Data: []byte("bytes of " + name)})
	}
	return o
}

func (s *theatre) give(r agent.Reply, o agent.Outcome) {
	s.Helper()
	if err := r.Finish(s.Context(), o); err != nil {
		s.Errorf("Finish: %v", err)
	}
}

func TestWhatAToolMadeStandsBelowTheAnswer(t *testing.T) {
	bubble(t, func(t *testing.T, s *theatre) {
		s.pageSize = 40
		on := &filing{stage: s.stage}
		s.replies = New(Options{}, on)
		j := &journal{}
		r := s.reply("T", j)
		say(r, "Look")
		time.Sleep(time.Minute)
		s.want("T", "Look")
		s.give(r, drawn("Look here.", "a.png", "b.png"))
		s.want("T", "Look here.", "a.png", "b.png")
		if len(on.files) != 2 || string(on.files[1].Content) != "bytes of b.png" {
			t.Errorf("files %q", on.files)
		}
		// After a restart they are known to stand.
		s.give(s.reply("T", j), drawn("Look here.", "a.png", "b.png"))
		s.want("T", "Look here.", "a.png", "b.png")
		if len(on.files) != 2 {
			t.Errorf("%d files were posted", len(on.files))
		}
	})
}

// cutOff has the process end, as far as others see, in the post of a file.
func (s *theatre) cutOff(j *journal, name string, happened bool) {
	off := false
	s.onCall(func(c call) fault {
		if off || c.what == "post" && c.text == name {
			j.fail(errLost)
			f := fault{err: errLost, done: happened && !off}
			off = true
			return f
		}
		return fault{}
	})
}

// A post of a file is cut off by the end of the process: whether it had happened or not,
// the file stands once.
func TestAFileWhosePostWasCutOffStandsOnce(t *testing.T) {
	for name, happened := range map[string]bool{"it had happened": true, "it had not": false} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, s *theatre) {
				s.pageSize = 40
				on := &filing{stage: s.stage}
				s.replies = New(Options{}, on)
				j := &journal{}
				r := s.reply("T", j)
				s.cutOff(j, "a.png", happened)
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				if err := r.Finish(ctx, drawn("Look.", "a.png")); err == nil {
					t.Fatal("the answer stands although its file's post was cut off")
				}
				j.fail(nil)
				s.onCall(nil)
				s.give(s.reply("T", j), drawn("Look.", "a.png"))
				s.want("T", "Look.", "a.png")
			})
		})
	}
}

func TestAFileThatThePlatformRefusesGetsASentence(t *testing.T) {
	for name, test := range map[string]struct {
		err   error
		want  string
		posts int
	}{
		"too large": {fmt.Errorf("post: %w", bots.ErrTooLarge), "it is too large to be posted here", 2},
		"no right":  {fmt.Errorf("post: %w", bots.ErrNoFiles), "I may not post files here", 2},
		"closed":    {agent.ErrUndeliverable, "I may not post files here", 2},
		"unclear":   {bots.ErrRejected, "it could not be posted here", 2 * maxFileTries},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, s *theatre) {
				s.pageSize = 200
				on := &filing{stage: s.stage}
				on.refuse = func(name string) error {
					if name == "a_b.png" {
						return test.err
					}
					return nil
				}
				s.replies = New(Options{}, on)
				j := &journal{}
				sentence := "Look.\n\n⚠️ I made “a\\_b\\.png”, but " + test.want + "."
				for range 2 { // the second time after a restart
					s.give(s.reply("T", j), drawn("Look.", "a_b.png", "c.png"))
					s.want("T", sentence, "c.png")
				}
				if on.asked["a_b.png"] != test.posts {
					t.Errorf("posts %v", on.asked)
				}
			})
		})
	}
	t.Run("a platform without files", func(t *testing.T) {
		bubble(t, func(_ *testing.T, s *theatre) {
			s.pageSize = 200
			s.give(s.reply("T", &journal{}), drawn("Look.", "c.png"))
			s.want("T", "Look.\n\n⚠️ I made “c\\.png”, but I may not post files here.")
		})
	})
	t.Run("below a long answer", func(t *testing.T) {
		bubble(t, func(_ *testing.T, s *theatre) {
			on := &filing{stage: s.stage}
			on.refuse = func(name string) error {
				if name == "c.png" {
					return bots.ErrTooLarge
				}
				return nil
			}
			s.replies = New(Options{MaxParts: 1}, on)
			s.give(s.reply("T", &journal{}), drawn("0123456789abc", "c.png"))
			s.want("T", "0123456789\n_The whole answer is in the file below · ⚠️ I made “c\\.png”, but it is too large to be posted here.", "answer.md")
		})
	})
}

// Answered again, an answer has the files of its newest turn and no others, whatever it was
// made of before.
func TestAnotherAnswerReplacesTheFiles(t *testing.T) {
	long := "0123456789abcdefghijklmnop"
	for name, test := range map[string]struct {
		before, after agent.Outcome
		want          []string
	}{
		"another picture": {drawn("Look.", "a.png"), drawn("See.", "b.png"), []string{"See.", "b.png"}},
		"the same one":    {drawn("Look.", "a.png"), drawn("See.", "a.png"), []string{"See.", "a.png"}},
		"none":            {drawn("Look.", "a.png", "b.png"), drawn("See."), []string{"See."}},
		"more text":       {drawn("Look.", "a.png"), drawn("0123456789See.", "a.png"), []string{"0123456789", "See.", "a.png"}},
		"less text":       {drawn("0123456789Look."), drawn("See.", "a.png", "b.png"), []string{"See.", "a.png", "b.png"}},
		"a long text":     {drawn("Look.", "a.png"), drawn(long, "a.png"), []string{"0123456789", "abcdefghij\n_The whole answer is in the file below", "answer.md", "a.png"}},
		"another long text": {
			drawn(long), drawn(long + "qrs"), []string{"0123456789", "abcdefghij\n_The whole answer is in the file below", "answer.md"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, s *theatre) {
				on := &filing{stage: s.stage}
				s.replies = New(Options{MaxParts: 2}, on)
				j := &journal{}
				s.give(s.reply("T", j), test.before)
				s.give(s.reply("T", j), test.after)
				s.want("T", test.want...)
				for _, p := range j.all() {
					if p.File && !p.Gone && p.Sum == "" {
						t.Errorf("nothing tells which file %+v is", p)
					}
				}
				if whole := on.files[len(on.files)-1]; name == "another long text" && string(whole.Content) != long+"qrs" {
					t.Errorf("the file says %q", whole.Content)
				}
				s.give(s.reply("T", j), agent.Outcome{Kind: agent.Withdrawn})
				s.want("T")
			})
		})
	}
}

// What was journaled before a crash is another file than what is given after it: the one
// that may stand goes.
func TestAFileInDoubtGoesWhenAnotherIsGiven(t *testing.T) {
	for name, happened := range map[string]bool{"it stood": true, "it did not": false} {
		for what, after := range map[string]agent.Outcome{"a file": drawn("See.", "b.png"), "text": drawn("0123456789See.")} {
			t.Run(name+", then "+what, func(t *testing.T) {
				bubble(t, func(t *testing.T, s *theatre) {
					on := &filing{stage: s.stage}
					s.replies = New(Options{}, on)
					j := &journal{}
					s.cutOff(j, "a.png", happened)
					ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
					defer cancel()
					if err := s.reply("T", j).Finish(ctx, drawn("Look.", "a.png")); err == nil {
						t.Fatal("the answer stands")
					}
					j.fail(nil)
					s.onCall(nil)
					s.give(s.reply("T", j), after)
					want := []string{"See.", "b.png"}
					if what == "text" {
						want = []string{"0123456789", "See."}
					}
					s.want("T", want...)
				})
			})
		}
	}
}

// filing is a stage that takes files.
type filing struct {
	*stage
	err    error
	refuse func(name string) error

	mu    sync.Mutex
	files []bots.Upload
	asked map[string]int
}

func (f *filing) Upload(ctx context.Context, to agent.Target, key string, u bots.Upload) (agent.MessageID, error) {
	f.mu.Lock()
	if f.asked == nil {
		f.asked = make(map[string]int)
	}
	f.asked[u.Name]++
	f.mu.Unlock()
	if f.refuse != nil {
		if err := f.refuse(u.Name); err != nil {
			return "", err
		}
	}
	if f.err != nil {
		return "", f.err
	}
	id, err := f.Post(ctx, to, key, bots.Message{Text: u.Name, File: &u})
	if err == nil {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.files = append(f.files, u)
	}
	return id, err
}

func TestALongAnswerIsGivenAsAFile(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want []string
	}{
		"taken":     {nil, []string{"0123456789", "abcdefghij\n_The whole answer is in the file below", "answer.md"}},
		"refused":   {bots.ErrRejected, []string{"0123456789", "abcdefghij", "klm"}},
		"forbidden": {agent.ErrUndeliverable, []string{"0123456789", "abcdefghij", "klm"}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, s *theatre) {
				on := &filing{stage: s.stage, err: test.err}
				s.replies = New(Options{MaxParts: 2}, on)
				j := &journal{}
				r := s.reply("T", j)
				say(r, "0123456789abcdefghijk")
				time.Sleep(time.Minute)
				s.want("T", "0123456789", "abcdefghij")
				s.finish(r, "0123456789abcdefghijklm")
				s.want("T", test.want...)
				if test.err == nil && (len(on.files) != 1 || string(on.files[0].Content) != "0123456789abcdefghijklm") {
					t.Errorf("files %q", on.files)
				}
				// After a restart it is known to stand.
				s.finish(s.reply("T", j), "0123456789abcdefghijklm")
				s.want("T", test.want...)
			})
		})
	}
}
