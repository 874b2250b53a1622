package workersai

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"bobbin/agent"
)

const (
	blindModel  = "@cf/zai-org/glm-4.7-flash"
	seeingModel = "@cf/google/gemma-4-26b-a4b-it"
	otherSeeing = "@cf/meta/llama-4-scout-17b-16e-instruct"
)

func withPictures(n, size int) agent.Request {
	r := hello
	for range n {
		r.Messages = append(r.Messages, agent.Entry{
			Role: agent.RoleUser, Text: "A picture. data:image/png;base64,zz",
			Image: &agent.Image{Type: "image/png", Data: make([]byte, size)},
		})
	}
	return r
}

func pictures(got received) (n int) {
	for _, m := range got.Messages {
		n += len(m.images)
	}
	return n
}

func TestPicturesGoToAModelThatCanSee(t *testing.T) {
	o := &otherSide{answer: func(w http.ResponseWriter, _ *http.Request, _ received, _ int) { say(w, "a cat") }}
	c := onLoopback(t, o, Options{Models: []string{blindModel, seeingModel, otherSeeing}})
	for _, prefers := range []string{"", blindModel, otherSeeing, "@cf/not/allowed"} {
		r := withPictures(1, 100)
		r.Prefers = prefers
		if a := stream(t.Context(), c, r); a.err != nil || a.text != "a cat" {
			t.Fatalf("got %q, %v", a.text, a.err)
		}
	}
	if got, want := o.models(), []string{seeingModel, seeingModel, otherSeeing, seeingModel}; !slices.Equal(got, want) {
		t.Errorf("asked %v, want %v", got, want)
	}
	got := o.request(t, 0)
	last := got.Messages[len(got.Messages)-1]
	if len(last.images) != 1 || last.images[0].Type != "image/png" || len(last.images[0].Data) != 100 || !strings.HasPrefix(last.Content, "A picture.") {
		t.Errorf("the message is %+v", last)
	}
	if !strings.Contains(got.raw, `"content":[{"type":"text","text":"A picture. data:`+"\u200b"+`image/png`) || !strings.Contains(got.raw, `{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA`) {
		t.Errorf("the request is %s", got.raw)
	}
	if !strings.Contains(got.raw, `"content":"hi"`) {
		t.Errorf("a message without picture is no plain text: %s", got.raw)
	}
}

func TestAPreferredModelIsAskedFirstIfItIsAllowed(t *testing.T) {
	o := &otherSide{answer: func(w http.ResponseWriter, _ *http.Request, _ received, n int) {
		if n == 3 {
			fail(w, 403, envelope(5035, "paid"))
			return
		}
		say(w, "hello")
	}}
	c := onLoopback(t, o, Options{})
	for _, prefers := range []string{"@cf/third", "@cf/fourth", "@cf/second"} {
		r := hello
		r.Prefers = prefers
		if a := stream(t.Context(), c, r); a.err != nil {
			t.Fatal(a.err)
		}
	}
	if got, want := o.models(), []string{"@cf/third", "@cf/first", "@cf/second", "@cf/first"}; !slices.Equal(got, want) {
		t.Errorf("asked %v, want %v", got, want)
	}
}

func TestModelsThatCannotSeeAreTold(t *testing.T) {
	o := &otherSide{answer: func(w http.ResponseWriter, _ *http.Request, got received, _ int) {
		if got.Model == seeingModel {
			fail(w, 403, envelope(5035, "paid"))
			return
		}
		say(w, "I cannot see")
	}}
	c := onLoopback(t, o, Options{Models: []string{blindModel, seeingModel}})
	if a := stream(t.Context(), c, withPictures(1, 100)); a.err != nil || a.last.Model != blindModel {
		t.Fatalf("got %+v", a)
	}
	if got := o.request(t, 1); pictures(got) != 0 || !strings.HasSuffix(got.Messages[len(got.Messages)-1].Content, blindNote) {
		t.Errorf("the request is %s", got.raw)
	}
	if !c.Sees() || newClient(t, Options{}).Sees() || !newClient(t, Options{VisionModels: []string{"@cf/second"}}).Sees() {
		t.Error("which models see is not known")
	}
}

func TestRefusedPicturesAreLeftOut(t *testing.T) {
	for name, refusal := range map[string]func(http.ResponseWriter){
		"bad image": func(w http.ResponseWriter) {
			fail(w, 400, envelope(8006, "Invalid data for image - reason invalid base64 encoding"))
		},
		"array":     func(w http.ResponseWriter) { fail(w, 400, envelope(5006, "'array' not in 'string'")) },
		"too large": func(w http.ResponseWriter) { fail(w, 413, envelope(3006, "Request is too large")) },
		"another server": func(w http.ResponseWriter) {
			fail(w, 501, `{"error":{"message":"image input is not supported"}}`)
		},
	} {
		o := &otherSide{}
		o.answer = func(w http.ResponseWriter, _ *http.Request, got received, _ int) {
			if pictures(got) > 0 {
				refusal(w)
				return
			}
			say(w, "without")
		}
		c := onLoopback(t, o, Options{Models: []string{"@cf/other", seeingModel}, VisionModels: []string{"@cf/other"}})
		a := stream(t.Context(), c, withPictures(1, 100))
		if a.err != nil || a.text != "without" || a.last.Model != "@cf/other" {
			t.Errorf("%s: got %q from %s, %v", name, a.text, a.last.Model, a.err)
		}
		if got := o.models(); got[len(got)-1] != "@cf/other" || !slices.Contains(got, seeingModel) {
			t.Errorf("%s: asked %v, want the other that sees before none does", name, got)
		}
	}
}

func TestPicturesAreBounded(t *testing.T) {
	c := newClient(t, Options{Models: []string{seeingModel}})
	body := func(r agent.Request) string {
		raw, err := c.body(&r, asking{model: seeingModel, maxTokens: 10, pictures: true})
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	many := body(withPictures(maxImages+2, 10))
	if n := strings.Count(many, "image_url\":{"); n != maxImages || strings.Count(many, tooManyNote) != 2 || strings.Index(many, tooManyNote) > strings.Index(many, "image_url") {
		t.Errorf("%d pictures were sent", n)
	}
	large := body(withPictures(3, maxImageBytes/2))
	if n := strings.Count(large, "image_url\":{"); n != 2 {
		t.Errorf("%d large pictures were sent", n)
	}
	for name, r := range map[string]agent.Request{"too large": withPictures(1, MaxImage+1), "empty": withPictures(1, 0)} {
		err := stream(t.Context(), c, r).err
		if e, ok := errors.AsType[*Error](err); !ok || e.public == "" {
			t.Errorf("%s: got %v", name, err)
		}
	}
	r := withPictures(1, 1)
	r.Messages[1].Image.Type = "image/svg+xml"
	if err := stream(t.Context(), c, r).err; err == nil || !strings.Contains(agent.Explain(err), "PNG") {
		t.Errorf("got %v", err)
	}
}

func TestMistralGetsPicturesOfMergedMessages(t *testing.T) {
	const mistral = "@cf/mistralai/mistral-small-3.1-24b-instruct"
	o := &otherSide{answer: func(w http.ResponseWriter, _ *http.Request, _ received, _ int) { say(w, "ok") }}
	c := onLoopback(t, o, Options{Models: []string{mistral}})
	if a := stream(t.Context(), c, withPictures(2, 10)); a.err != nil {
		t.Fatal(a.err)
	}
	if got := o.request(t, 0); len(got.Messages) != 2 || pictures(got) != 2 {
		t.Errorf("got %s", got.raw)
	}
}
