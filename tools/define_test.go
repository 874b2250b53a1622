package tools

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"unicode/utf8"

	"bobbin/agent"
)

type lookupArgs struct {
	City  string   `json:"city" jsonschema:"name of the city"`
	Days  int      `json:"days,omitempty" jsonschema:"how many days ahead"`
	Units *string  `json:"units,omitempty" jsonschema:"metric or imperial"`
	Tags  []string `json:"tags,omitempty" jsonschema:"only these"`
}

var lookupSpec = agent.ToolSpec{Name: "lookup", Description: "Look something up."}

func lookup(t *testing.T, run func(context.Context, lookupArgs) (string, error)) agent.Tool {
	t.Helper()
	tool, err := Define(lookupSpec, run)
	if err != nil {
		t.Fatal(err)
	}
	return tool
}

func call(t *testing.T, tool agent.Tool, args string) agent.Result {
	t.Helper()
	r, err := tool.Call(t.Context(), agent.ToolCall{ID: "1", Name: tool.Spec().Name, Args: json.RawMessage(args)})
	if err != nil {
		t.Fatalf("Call(%s): %v", args, err)
	}
	return r
}

func TestSchemaIsPlainEnoughForWeakModels(t *testing.T) {
	tool := lookup(t, func(context.Context, lookupArgs) (string, error) { return "", nil })
	want := `{"type":"object","properties":{` +
		`"city":{"type":"string","description":"name of the city"},` +
		`"days":{"type":"integer","description":"how many days ahead"},` +
		`"units":{"type":"string","description":"metric or imperial"},` +
		`"tags":{"type":"array","description":"only these","items":{"type":"string"}}},` +
		`"required":["city"],"additionalProperties":false}`
	var got, wanted bytes.Buffer
	if err := json.Compact(&got, tool.Spec().Schema); err != nil {
		t.Fatal(err)
	}
	if err := json.Compact(&wanted, []byte(want)); err != nil {
		t.Fatal(err)
	}
	var g, w any
	_ = json.Unmarshal(got.Bytes(), &g)
	_ = json.Unmarshal(wanted.Bytes(), &w)
	gb, _ := json.Marshal(g)
	wb, _ := json.Marshal(w)
	if !bytes.Equal(gb, wb) {
		t.Errorf("schema\n got %s\nwant %s", got.Bytes(), want)
	}
}

func TestSchemaOfNoArgumentsStillHasProperties(t *testing.T) {
	tool, err := Define(lookupSpec, func(context.Context, struct{}) (string, error) { return "ok", nil })
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(tool.Spec().Schema), `"properties":{}`) {
		t.Errorf("schema %s has no properties", tool.Spec().Schema)
	}
	if r := call(t, tool, ``); r.Failed || r.Text != "ok" {
		t.Errorf("call without arguments = %+v", r)
	}
}

func TestDefineRefusesWhatCannotBeDescribed(t *testing.T) {
	ok := lookupSpec
	for what, define := range map[string]func() error{
		"no description of a property": func() error {
			_, err := Define(ok, func(context.Context, struct {
				A string `json:"a"`
			}) (string, error) {
				return "", nil
			})
			return err
		},
		"a property of any type": func() error {
			_, err := Define(ok, func(context.Context, struct {
				A any `json:"a" jsonschema:"anything"`
			}) (string, error) {
				return "", nil
			})
			return err
		},
		"a nested property without description": func() error {
			_, err := Define(ok, func(context.Context, struct {
				A []struct {
					B int `json:"b"`
				} `json:"a" jsonschema:"a list"`
			}) (string, error) {
				return "", nil
			})
			return err
		},
		"no struct": func() error {
			_, err := Define(ok, func(context.Context, string) (string, error) { return "", nil })
			return err
		},
		"a bad name": func() error {
			_, err := Define(agent.ToolSpec{Name: "Look Up", Description: "x"}, func(context.Context, struct{}) (string, error) { return "", nil })
			return err
		},
		"no description": func() error {
			_, err := Define(agent.ToolSpec{Name: "x"}, func(context.Context, struct{}) (string, error) { return "", nil })
			return err
		},
	} {
		if define() == nil {
			t.Errorf("%s: no error", what)
		}
	}
}

func TestArgumentsReachTheFunctionHoweverTheModelWrapsThem(t *testing.T) {
	for _, args := range []string{
		`{"city":"Bern","days":2}`,
		` {"city":"Bern","days":2} `,
		`"{\"city\":\"Bern\",\"days\":2}"`,
		`"\"{\\\"city\\\":\\\"Bern\\\",\\\"days\\\":2}\""`,
		`{"city":"Bern","days":2,"units":null,"tags":null}`,
	} {
		var got lookupArgs
		tool := lookup(t, func(_ context.Context, a lookupArgs) (string, error) { got = a; return "sunny", nil })
		if r := call(t, tool, args); r.Failed || r.Text != "sunny" {
			t.Errorf("%s: result %+v", args, r)
		}
		if got.City != "Bern" || got.Days != 2 || got.Units != nil {
			t.Errorf("%s: arguments %+v", args, got)
		}
	}
}

func TestBadArgumentsFailWithWhatTheModelCanMend(t *testing.T) {
	tool := lookup(t, func(context.Context, lookupArgs) (string, error) {
		t.Error("the function ran")
		return "", nil
	})
	for args, wants := range map[string][]string{
		``:                                 {`required property "city" is missing`, `"city": string`, `"days": integer (optional)`},
		`null`:                             {`"city" is missing`},
		`{"city":3}`:                       {`property "city" must be a string, is a number`},
		`{"city":null}`:                    {`property "city" must be a string, is null`},
		`{"town":"Bern"}`:                  {`property "town" is unknown`, `"city" is missing`},
		`{"City":"Bern"}`:                  {`property "City" is unknown`},
		`{"city":"Bern","days":"2"}`:       {`property "days" must be an integer, is a string`},
		`{"city":"Bern","days":1.5}`:       {`property "days" must be an integer, is a number`},
		`{"city":"Bern","days":1e30}`:      {`property "days" must be an integer`},
		`{"city":"Bern","tags":["a",1]}`:   {`property "tags" must be an array`, `want "string"`},
		`{"city":1,"days":"x","tags":"y"}`: {`"city"`, `"days"`, `"tags"`},
		`[]`:                               {`are an array`, `one JSON object`},
		`"Bern"`:                           {`not valid JSON`},
		`7`:                                {`are a number`},
		`{"city":"Bern"`:                   {`not valid JSON`, `unexpected end`},
		`{"city":"Bern"} {"city":"Basel"}`: {`not valid JSON`},
		`{"city":"` + strings.Repeat("x", maxArgs) + `"}`: {`the limit is`},
	} {
		r := call(t, tool, args)
		if !r.Failed {
			t.Errorf("%.60s: not failed: %+v", args, r)
		}
		for _, want := range wants {
			if !strings.Contains(r.Text, want) {
				t.Errorf("%.60s: text %q lacks %q", args, r.Text, want)
			}
		}
	}
}

func TestErrorsOfAToolAreForTheModelUnlessMarked(t *testing.T) {
	boom := errors.New("the station does not answer")
	tool := lookup(t, func(context.Context, lookupArgs) (string, error) { return "", boom })
	if r := call(t, tool, `{"city":"Bern"}`); !r.Failed || r.Text != boom.Error() {
		t.Errorf("result %+v", r)
	}

	tool = lookup(t, func(context.Context, lookupArgs) (string, error) { return "", EndTurn(boom) })
	_, err := tool.Call(t.Context(), agent.ToolCall{Args: json.RawMessage(`{"city":"Bern"}`)})
	if !errors.Is(err, boom) {
		t.Errorf("marked error: got %v", err)
	}
	if EndTurn(nil) != nil {
		t.Error("EndTurn(nil) is not nil")
	}
}

func TestACancelledTurnEndsAndAToolsOwnTimeoutDoesNot(t *testing.T) {
	tool := lookup(t, func(ctx context.Context, _ lookupArgs) (string, error) { return "", ctx.Err() })
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(agent.ErrShutdown)
	if _, err := tool.Call(ctx, agent.ToolCall{Args: json.RawMessage(`{"city":"Bern"}`)}); !errors.Is(err, agent.ErrShutdown) {
		t.Errorf("cancelled: got %v", err)
	}

	tool = lookup(t, func(context.Context, lookupArgs) (string, error) { return "", context.DeadlineExceeded })
	if r := call(t, tool, `{"city":"Bern"}`); !r.Failed {
		t.Errorf("own timeout: %+v", r)
	}
}

func TestGuardTurnsAPanicIntoAFailedResultAndLogsIt(t *testing.T) {
	var logged bytes.Buffer
	tool := lookup(t, func(context.Context, lookupArgs) (string, error) { panic("no such table") })
	ts, err := Guard(slog.New(slog.NewTextHandler(&logged, nil)), tool)
	if err != nil {
		t.Fatal(err)
	}
	r := call(t, ts[0], `{"city":"somewhere private"}`)
	if !r.Failed || strings.Contains(r.Text, "no such table") {
		t.Errorf("result %+v", r)
	}
	if !strings.Contains(logged.String(), "no such table") || !strings.Contains(logged.String(), "define_test.go") {
		t.Errorf("log lacks the panic or its stack: %s", logged.String())
	}
	if strings.Contains(logged.String(), "somewhere private") {
		t.Error("log holds the arguments")
	}
}

func TestGuardBoundsText(t *testing.T) {
	for _, text := range []string{strings.Repeat("ä", MaxText), "\xff" + strings.Repeat("日本", MaxText)} {
		tool := lookup(t, func(context.Context, lookupArgs) (string, error) { return text, nil })
		ts, err := Guard(slog.New(slog.DiscardHandler), tool)
		if err != nil {
			t.Fatal(err)
		}
		r := call(t, ts[0], `{"city":"Bern"}`)
		if len(r.Text) > MaxText || !utf8.ValidString(r.Text) || !strings.Contains(r.Text, "[Cut here") {
			t.Errorf("len %d, valid %v, ends %q", len(r.Text), utf8.ValidString(r.Text), r.Text[len(r.Text)-60:])
		}
	}
	if got := bound(" \n"); got != "(no output)" {
		t.Errorf("blank text became %q", got)
	}
	if full := strings.Repeat("x", MaxText); bound(full) != full {
		t.Error("text of exactly the limit was cut")
	}
}

func TestGuardRefusesTwoToolsOfOneName(t *testing.T) {
	tool := lookup(t, func(context.Context, lookupArgs) (string, error) { return "", nil })
	if _, err := Guard(slog.New(slog.DiscardHandler), tool, tool); err == nil {
		t.Error("no error")
	}
	if _, err := Guard(slog.New(slog.DiscardHandler), nil); err == nil {
		t.Error("nil tool: no error")
	}
}

func FuzzArgumentsNeverPanic(f *testing.F) {
	for _, seed := range []string{``, `{}`, `{"city":"Bern"}`, `"{\"city\":1}"`, `{"city":"x","days":1e999}`, `[[[[`, `{"city":"x","tags":[null]}`, "\x00", `{"city":"a","city":2}`} {
		f.Add([]byte(seed))
	}
	tool, err := Define(lookupSpec, func(_ context.Context, a lookupArgs) (string, error) { return a.City, nil })
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, args []byte) {
		r, err := tool.Call(t.Context(), agent.ToolCall{Args: args})
		if err != nil {
			t.Fatalf("bad arguments ended the turn: %v", err)
		}
		if r.Failed && !strings.Contains(r.Text, "lookup was not run") {
			t.Fatalf("unexplained failure %q", r.Text)
		}
	})
}

type reach struct {
	What string `json:"what" jsonschema:"what to reach for"`
}

func (r reach) Doing() string { return "reaching for " + r.What }

func TestToolSaysWhatACallDoes(t *testing.T) {
	tool, err := Define(agent.ToolSpec{Name: "reach", Description: "Reaches."}, func(context.Context, reach) (string, error) { return "", nil })
	if err != nil {
		t.Fatal(err)
	}
	guarded, err := Guard(slog.New(slog.DiscardHandler), tool)
	if err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{`{"what":"the moon"}`: "reaching for the moon", `{"what":1}`: "", `nonsense`: "", ``: ""} {
		if got := guarded[0].(agent.Narrator).Doing(agent.ToolCall{Args: []byte(args)}); got != want {
			t.Errorf("%s: %q, want %q", args, got, want)
		}
	}
}
