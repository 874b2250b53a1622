package tools

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"bobbin/agent"
)

// ImageMaker makes pictures. An error that people may read implements [agent.Public].
type ImageMaker interface {
	// MakeImage returns a picture of a description, of at most [agent.MaxMadeBytes], and
	// what it has cost, where that is known.
	MakeImage(ctx context.Context, model, prompt string) (agent.Image, agent.Usage, error)
}

// maxDescription bounds what a picture is made of, in characters: models take no more.
const maxDescription = 2048

// MakeImage makes the tool make_image, which has a model of maker's make a picture, within
// timeout. Pictures cost: after a crash it is not run again.
func MakeImage(maker ImageMaker, model string, timeout time.Duration) (agent.Tool, error) {
	if maker == nil || model == "" || timeout <= 0 {
		return nil, errors.New("make_image: needs who makes pictures, a model and a time")
	}
	type args struct {
		Description string `json:"description" jsonschema:"what the picture shows and in which style, in English, at most 2000 characters; the maker of pictures knows nothing of the conversation"`
		Name        string `json:"name,omitempty" jsonschema:"what to call the picture, in two or three words such as red fox; leave out if nothing fits"`
	}
	return DefineMaker(agent.ToolSpec{
		Name: "make_image",
		Description: "Makes a picture of a description, and shows it to people below your answer. Only use it when somebody asks for a picture; " +
			"each one costs. You cannot see the picture, so do not say what it looks like.",
		Effects: true,
		Doing:   "making a picture",
	}, func(ctx context.Context, a args) (agent.Result, error) {
		what := strings.TrimSpace(a.Description)
		switch n := utf8.RuneCountInString(what); {
		case n == 0:
			return agent.Result{}, errors.New("the description is empty; say what the picture shows")
		case n > maxDescription:
			return agent.Result{}, fmt.Errorf("the description has %d characters; at most %d are taken", n, maxDescription)
		}
		bounded, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		img, cost, err := maker.MakeImage(bounded, model, what)
		if err != nil {
			return agent.Result{Usage: cost}, noImage(ctx, bounded, timeout, err)
		}
		made := agent.Made{Name: imageName(a.Name, img.Type), Type: img.Type, Data: img.Data}
		return agent.Result{Text: "The picture is made.", Usage: cost, Made: []agent.Made{made}}, nil
	})
}

// noImage says to the model why there is no picture.
func noImage(ctx, bounded context.Context, timeout time.Duration, err error) error {
	switch public, ok := errors.AsType[agent.Public](err); {
	case ctx.Err() != nil:
		return err
	case bounded.Err() != nil:
		return fmt.Errorf("no picture was made: it took longer than %s", timeout)
	case ok:
		return fmt.Errorf("no picture was made: %s", public.Public())
	}
	return errors.New("no picture was made, for a reason that is not known")
}

// imageExtensions are those of the types that pictures have.
var imageExtensions = map[string]string{"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp", "image/gif": ".gif"}

// imageName makes a file's name of what a model calls the picture.
func imageName(name, kind string) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	name = strings.Join(words, "-")
	if r := []rune(name); len(r) > 40 {
		name = strings.Trim(string(r[:40]), "-")
	}
	if name == "" {
		name = "picture"
	}
	return name + imageExtensions[kind]
}
