package tools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bobbin/agent"
)

// easel is an ImageMaker that answers with what it is told to.
type easel struct {
	img    agent.Image
	cost   agent.Usage
	err    error
	takes  time.Duration
	prompt string
	model  string
}

func (e *easel) MakeImage(ctx context.Context, model, prompt string) (agent.Image, agent.Usage, error) {
	e.model, e.prompt = model, prompt
	select {
	case <-time.After(e.takes):
	case <-ctx.Done():
		return agent.Image{}, e.cost, ctx.Err()
	}
	return e.img, e.cost, e.err
}

type plain string

func (p plain) Error() string  { return "secret internals" }
func (p plain) Public() string { return string(p) }

func make1(t *testing.T, maker ImageMaker, args string) agent.Result {
	t.Helper()
	tool, err := MakeImage(maker, "m", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if !tool.Spec().Effects {
		t.Error("what costs would be run twice")
	}
	r, err := tool.Call(t.Context(), agent.ToolCall{ID: "c", Name: "make_image", Args: json.RawMessage(args)})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAPictureIsMadeOfItsDescriptionAndCalledWhatTheModelSays(t *testing.T) {
	for args, want := range map[string]string{
		`{"description":" a fox "}`:                                         "picture.jpg",
		`{"description":"a fox","name":"Red Fox!"}`:                         "red-fox.jpg",
		`{"description":"a fox","name":"../../etc/passwd"}`:                 "etc-passwd.jpg",
		`{"description":"a fox","name":"“Füchslein”\n🦊"}`:                   "füchslein.jpg",
		`{"description":"a fox","name":"` + strings.Repeat("x ", 90) + `"}`: strings.TrimSuffix(strings.Repeat("x-", 20), "-") + ".jpg",
	} {
		e := &easel{img: agent.Image{Type: "image/jpeg", Data: []byte("jpeg")}, cost: agent.Usage{Neurons: 58}}
		r := make1(t, e, args)
		if r.Failed || len(r.Made) != 1 || r.Made[0].Name != want || r.Made[0].Type != "image/jpeg" || string(r.Made[0].Data) != "jpeg" || r.Usage.Neurons != 58 {
			t.Errorf("%s: %+v, want %s", args, r, want)
		}
		if e.prompt != "a fox" || e.model != "m" {
			t.Errorf("asked %s for %q", e.model, e.prompt)
		}
	}
}

func TestAPictureThatIsNotMadeSaysWhyToTheModel(t *testing.T) {
	for name, test := range map[string]struct {
		easel easel
		args  string
		want  string
	}{
		"no description": {easel{}, `{"description":"  "}`, "the description is empty"},
		"too long":       {easel{}, fmt.Sprintf(`{"description":%q}`, strings.Repeat("ü", 2049)), "2049 characters; at most 2048"},
		"public":         {easel{err: fmt.Errorf("x: %w", plain("the day is over.")), cost: agent.Usage{Neurons: 1}}, `{"description":"x"}`, "no picture was made: the day is over."},
		"not public":     {easel{err: errors.New("secret internals")}, `{"description":"x"}`, "for a reason that is not known"},
		"too slow":       {easel{takes: time.Hour}, `{"description":"x"}`, "longer than 1m0s"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := make1(t, &test.easel, test.args)
				if !r.Failed || !strings.Contains(r.Text, test.want) || strings.Contains(r.Text, "secret") || len(r.Made) > 0 || r.Usage != test.easel.cost {
					t.Errorf("%+v, want %q", r, test.want)
				}
			})
		})
	}
}

func TestAPictureThatIsStoppedEndsTheTurn(t *testing.T) {
	tool, err := MakeImage(&easel{takes: time.Hour}, "m", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancelCause(t.Context())
	stop(agent.ErrStopped)
	if r, err := tool.Call(ctx, agent.ToolCall{Args: json.RawMessage(`{"description":"x"}`)}); !errors.Is(err, agent.ErrStopped) {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestTheToolForPicturesNeedsItsParts(t *testing.T) {
	for _, fault := range []func() (agent.Tool, error){
		func() (agent.Tool, error) { return MakeImage(nil, "m", time.Minute) },
		func() (agent.Tool, error) { return MakeImage(&easel{}, "", time.Minute) },
		func() (agent.Tool, error) { return MakeImage(&easel{}, "m", 0) },
	} {
		if _, err := fault(); err == nil {
			t.Error("no error")
		}
	}
}
