package agent_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"bobbin/agent"
	"bobbin/agent/agenttest"
)

// reader reads files that are named after what becomes of them.
type reader struct{ read []string }

func (f *reader) Read(_ context.Context, _ agent.Target, file agent.File) (agent.Content, error) {
	f.read = append(f.read, file.Name)
	switch file.Name {
	case "bad.zip":
		return agent.Content{}, oddError{}
	case "cat.png":
		return agent.Content{Text: "a picture", Image: &agent.Image{Type: "image/png", Data: []byte("pixels")}}, nil
	case "broken":
		panic("a file that breaks the reader")
	}
	return agent.Content{Text: "content of " + file.Name}, nil
}

type oddError struct{}

func (oddError) Error() string  { return "zip" }
func (oddError) Unwrap() error  { return agent.ErrLeftOut }
func (oddError) Public() string { return "I cannot read archives." }

func TestFilesAreReadOnceAndWhatIsLeftOutIsSaid(t *testing.T) {
	bubble(t, func(r *rig) {
		m := r.plays(agenttest.Waits(make(chan struct{}), nil), agenttest.Says("seen"), agenttest.Says("and"))
		files := &reader{}
		r.opts.Files = files
		var log strings.Builder
		r.opts.Log = slog.New(slog.NewTextHandler(&log, nil))
		r.up()
		in := message("s", 1)
		for i, name := range []string{"notes.txt", "cat.png", "bad.zip", "broken"} {
			in.Files = append(in.Files, agent.File{ID: fmt.Sprint("F", i), Name: name})
		}
		if _, err := r.agent.Submit(r.Context(), in); err != nil {
			r.Fatal(err)
		}
		r.settle()
		r.crash()
		r.up()
		r.idle()
		same(r.T, "read", files.read, []string{"notes.txt", "cat.png", "bad.zip", "broken"})
		if said := log.String(); strings.Count(said, "could not be read") != 1 || !strings.Contains(said, "panic") {
			r.Errorf("an admin cannot help it that people send archives: the log says %s", said)
		}
		asked := m.Requests()[1].Messages
		if len(asked) != 5 || !strings.Contains(asked[1].Text, "content of notes.txt") || string(asked[2].Image.Data) != "pixels" ||
			asked[3].Text != "[I left out “bad.zip”: I cannot read archives.]" {
			r.Errorf("asked %+v", asked)
		}
		r.say("s", 2)
		r.idle()
		if o := r.outcomes()[0]; !strings.Contains(o.Notice, "bad.zip") || !strings.Contains(o.Notice, "broken") {
			r.Errorf("after the crash the notice is %q", o.Notice)
		}
		for _, e := range m.Requests()[2].Messages {
			if e.Image != nil {
				r.Error("the picture is sent again")
			}
		}
	})
}

func TestAnAnswerSaysWhichFilesItKnowsNothingOf(t *testing.T) {
	bubble(t, func(r *rig) {
		r.plays(agenttest.Says("seen"))
		r.opts.Files = &reader{}
		r.up()
		in := message("s", 1)
		in.Files = []agent.File{{ID: "F1", Name: "bad.zip"}, {ID: "F2", Name: "broken"}}
		if _, err := r.agent.Submit(r.Context(), in); err != nil {
			r.Fatal(err)
		}
		time.Sleep(time.Second)
		o := r.outcome()
		if o.Text != "seen" || o.Notice != "I left out “bad.zip”: I cannot read archives. I left out “broken”: it could not be read." {
			r.Errorf("outcome %+v", o)
		}
	})
}

func TestASteeredTurnReadsFilesThatArriveAndNothingThatWasTakenBack(t *testing.T) {
	bubble(t, func(r *rig) {
		m := r.plays(agenttest.Calls("", call("look", "c1")), agenttest.Says("seen"))
		found := make(chan struct{})
		files := &reader{}
		r.opts.WhileBusy, r.opts.Files = agent.Steer, files
		r.opts.Tools = []agent.Tool{&tool{name: "look", call: func(context.Context, agent.ToolCall) (agent.Result, error) {
			<-found
			return agent.Result{Text: "found"}, nil
		}}}
		r.up()
		r.say("s", 1)
		r.settle()
		in := message("s", 2)
		in.Files = []agent.File{{ID: "F1", Name: "notes.txt"}}
		if _, err := r.agent.Submit(r.Context(), in); err != nil {
			r.Fatal(err)
		}
		r.say("s", 3)
		if did, err := r.agent.Revise(r.Context(), session("s"), "s-3", "", true); !did || err != nil {
			r.Errorf("taken back: %v, %v", did, err)
		}
		close(found)
		r.idle()
		same(r.T, "read", files.read, []string{"notes.txt"})
		asked := shape(m.Requests()[1].Messages)
		if len(asked) != 5 || asked[3] != "user: say s-2" || !strings.HasSuffix(asked[4], "content of notes.txt") {
			r.Errorf("asked %q", asked)
		}
		for _, e := range r.transcript("s") {
			if e.Text == "say s-3" {
				r.Error("what was taken back is in the transcript")
			}
		}
		same(r.T, "answers", len(r.outcomes()), 1)
	})
}
