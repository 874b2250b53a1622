package tools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"bobbin/agent"
)

// name is what every provider on record accepts as the name of a function.
var name = regexp.MustCompile(`^[a-z0-9_]{1,64}$`)

// Define makes a tool of run. T is a struct: each exported field is a property of the
// arguments, named by its json tag and described by its jsonschema tag; fields marked
// omitempty or omitzero are optional. Any Schema in spec is replaced by the inferred one.
//
// run is called with arguments that fit the schema. An error from run becomes a failed
// result with its text, for the model to read, so it must hold no secrets. An error
// marked by [EndTurn], and any error once ctx has ended, ends the turn instead.
//
// If T has a method Doing() string, it says what a call with these arguments does, for
// people who watch: see [agent.Narrator].
//
// Define fails if T cannot be described to a model: it is no struct, or a property has
// no type or no description.
func Define[T any](spec agent.ToolSpec, run func(ctx context.Context, args T) (string, error)) (agent.Tool, error) {
	return DefineMaker(spec, func(ctx context.Context, args T) (agent.Result, error) {
		text, err := run(ctx, args)
		return agent.Result{Text: text}, err
	})
}

// DefineMaker is Define for a tool that makes files or costs something. What a call that
// fails has cost counts; its files do not.
func DefineMaker[T any](spec agent.ToolSpec, run func(ctx context.Context, args T) (agent.Result, error)) (agent.Tool, error) {
	if err := checkSpec(spec); err != nil {
		return nil, err
	}
	sch, err := inferSchema(reflect.TypeFor[T]())
	if err != nil {
		return nil, fmt.Errorf("tool %s: %w", spec.Name, err)
	}
	spec.Schema = sch.text
	return &defined[T]{spec: spec, schema: sch, run: run}, nil
}

// checkSpec reports what in a spec no provider would take.
func checkSpec(spec agent.ToolSpec) error {
	if !name.MatchString(spec.Name) {
		return fmt.Errorf("tool name %q: must match %s", spec.Name, name)
	}
	if strings.TrimSpace(spec.Description) == "" {
		return fmt.Errorf("tool %s: has no description, so no model would know when to use it", spec.Name)
	}
	return nil
}

type defined[T any] struct {
	spec   agent.ToolSpec
	schema *schema
	run    func(context.Context, T) (agent.Result, error)
}

func (d *defined[T]) Spec() agent.ToolSpec { return d.spec }

// Doing implements agent.Narrator.
func (d *defined[T]) Doing(c agent.ToolCall) string {
	var args T
	if n, ok := any(&args).(interface{ Doing() string }); ok && d.schema.decode(c.Args, &args) == nil {
		return n.Doing()
	}
	return ""
}

func (d *defined[T]) Call(ctx context.Context, c agent.ToolCall) (agent.Result, error) {
	var args T
	if err := d.schema.decode(c.Args, &args); err != nil {
		return agent.Result{Text: d.spec.Name + " was not run: " + err.Error(), Failed: true}, nil
	}
	result, err := d.run(ctx, args)
	switch {
	case err == nil:
		return result, nil
	case ctx.Err() != nil:
		return agent.Result{}, fmt.Errorf("tool %s: %w", d.spec.Name, context.Cause(ctx))
	}
	if end, ok := errors.AsType[*endTurnError](err); ok {
		return agent.Result{}, fmt.Errorf("tool %s: %w", d.spec.Name, end.err)
	}
	return agent.Result{Text: err.Error(), Failed: true, Usage: result.Usage}, nil
}

// EndTurn marks err as one that no other call by the model could mend, so that it ends
// the turn. EndTurn(nil) is nil.
func EndTurn(err error) error {
	if err == nil {
		return nil
	}
	return &endTurnError{err}
}

type endTurnError struct{ err error }

func (e *endTurnError) Error() string { return e.err.Error() }
func (e *endTurnError) Unwrap() error { return e.err }

// kindOf names the kind of a JSON value, with its article.
func kindOf(raw json.RawMessage) string {
	switch {
	case len(raw) == 0:
		return "nothing"
	case raw[0] == '"':
		return "a string"
	case raw[0] == '{':
		return "an object"
	case raw[0] == '[':
		return "an array"
	case raw[0] == 't', raw[0] == 'f':
		return "a boolean"
	case raw[0] == 'n':
		return "null"
	}
	return "a number"
}
