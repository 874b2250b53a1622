package tools

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// maxArgs bounds a call's arguments, in bytes.
const maxArgs = 256 << 10

// schema checks and decodes the arguments of one tool.
type schema struct {
	text  json.RawMessage
	root  *jsonschema.Schema
	whole *jsonschema.Resolved
	props map[string]*jsonschema.Resolved
}

func inferSchema(t reflect.Type) (*schema, error) {
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("arguments are %v, must be a struct", t)
	}
	root, err := jsonschema.ForType(t, nil)
	if err != nil {
		return nil, fmt.Errorf("inferring the schema of the arguments: %w", err)
	}
	if err := simplify(root, ""); err != nil {
		return nil, err
	}
	if root.Properties == nil {
		root.Properties = map[string]*jsonschema.Schema{} // some models' templates look the key up
	}
	s := &schema{root: root, props: map[string]*jsonschema.Resolved{}}
	if s.text, err = json.Marshal(root); err != nil {
		return nil, fmt.Errorf("writing the schema of the arguments: %w", err)
	}
	if s.whole, err = root.Resolve(nil); err != nil {
		return nil, fmt.Errorf("resolving the schema of the arguments: %w", err)
	}
	for name, p := range root.Properties {
		if s.props[name], err = p.Resolve(nil); err != nil {
			return nil, fmt.Errorf("resolving the schema of property %s: %w", name, err)
		}
	}
	return s, nil
}

// simplify takes the alternative null out of every type, because weak models stumble
// over lists of types, and reports a property without type or description, because
// Workers AI's older schemas refuse those.
func simplify(s *jsonschema.Schema, path string) error {
	if s == nil {
		return nil
	}
	if len(s.Types) > 0 {
		types := slices.DeleteFunc(slices.Clone(s.Types), func(t string) bool { return t == "null" })
		if len(types) != 1 {
			return fmt.Errorf("property %s has several types: %s", path, strings.Join(types, ", "))
		}
		s.Type, s.Types = types[0], nil
	}
	if s.Type == "" {
		return fmt.Errorf("property %s has no type", path)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		p, at := s.Properties[name], strings.TrimPrefix(path+"."+name, ".")
		if p.Description == "" {
			return fmt.Errorf("property %s has no description: its field needs a jsonschema tag", at)
		}
		if err := simplify(p, at); err != nil {
			return err
		}
	}
	if err := simplify(s.Items, path+"[]"); err != nil {
		return err
	}
	if s.Properties == nil && s.Type == "object" && path != "" { // a map
		return simplify(s.AdditionalProperties, path+".*")
	}
	return nil
}

// decode checks raw and fills args, a pointer to the struct that s was inferred from.
// Its error is for the model.
func (s *schema) decode(raw json.RawMessage, args any) error {
	object, err := s.object(raw)
	if err != nil {
		return err
	}
	if err := s.validate(object); err != nil {
		return err
	}
	text, err := json.Marshal(object)
	if err != nil {
		return fmt.Errorf("the arguments cannot be read: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	err = dec.Decode(args)
	if bad, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("property %q must be %s that fits %s, is %s", bad.Field, wanted(s.root.Properties[bad.Field]), bad.Type, bad.Value)
	}
	if err != nil {
		return fmt.Errorf("the arguments cannot be read: %w", err)
	}
	return nil
}

// object reads raw as one JSON object, forgiving what leaves no doubt.
func (s *schema) object(raw json.RawMessage) (map[string]json.RawMessage, error) {
	if len(raw) > maxArgs {
		return nil, fmt.Errorf("the arguments are %d bytes long, the limit is %d", len(raw), maxArgs)
	}
	raw = bytes.TrimSpace(raw)
	for range 2 { // an object in a string, and one in a string in a string
		var inner string
		if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &inner) != nil {
			break
		}
		raw = json.RawMessage(strings.TrimSpace(inner))
	}
	if len(raw) == 0 || string(raw) == "null" {
		return map[string]json.RawMessage{}, nil
	}
	if !json.Valid(raw) {
		var v any
		return nil, fmt.Errorf("the arguments are not valid JSON (%w). Expected one JSON object: %s", json.Unmarshal(raw, &v), s.outline())
	}
	if raw[0] != '{' {
		return nil, fmt.Errorf("the arguments are %s. Expected one JSON object: %s", kindOf(raw), s.outline())
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(raw, &object); err != nil {
		return nil, fmt.Errorf("the arguments cannot be read: %w", err)
	}
	maps.DeleteFunc(object, func(name string, v json.RawMessage) bool {
		return s.root.Properties[name] != nil && !slices.Contains(s.root.Required, name) && string(v) == "null"
	})
	return object, nil
}

// validate reports every fault of object at once, so that one more call can mend all.
func (s *schema) validate(object map[string]json.RawMessage) error {
	values := make(map[string]any, len(object))
	var faults []string
	for _, name := range slices.Sorted(maps.Keys(object)) {
		var v any
		if err := json.Unmarshal(object[name], &v); err != nil {
			return fmt.Errorf("property %q cannot be read: %w", name, err)
		}
		values[name] = v
		p := s.root.Properties[name]
		if p == nil {
			faults = append(faults, fmt.Sprintf("property %q is unknown", name))
			continue
		}
		if err := s.props[name].Validate(v); err != nil {
			faults = append(faults, fmt.Sprintf("property %q must be %s, is %s%s", name, wanted(p), kindOf(object[name]), detail(err, p, object[name])))
		}
	}
	for _, name := range s.root.Required {
		if _, ok := object[name]; !ok {
			faults = append(faults, fmt.Sprintf("required property %q is missing", name))
		}
	}
	if len(faults) == 0 {
		if err := s.whole.Validate(values); err != nil {
			faults = append(faults, err.Error())
		}
	}
	if len(faults) == 0 {
		return nil
	}
	return fmt.Errorf("%s. Expected one JSON object: %s", strings.Join(faults, "; "), s.outline())
}

// detail returns what the validator says where the kind of the value alone does not
// explain the fault.
func detail(err error, p *jsonschema.Schema, raw json.RawMessage) string {
	if kind := kindOf(raw); kind != wanted(p) && p.Type != "integer" {
		return ""
	}
	// The validator wraps its reason in the places it came through.
	reason := err.Error()
	if i := strings.LastIndex(reason, "validating "); i >= 0 {
		if _, rest, ok := strings.Cut(reason[i:], ": "); ok {
			reason = rest
		}
	}
	return " (" + reason + ")"
}

// wanted names the kind of value that p asks for, with its article.
func wanted(p *jsonschema.Schema) string {
	switch {
	case p == nil:
		return "a value"
	case p.Type == "integer", p.Type == "array", p.Type == "object":
		return "an " + p.Type
	}
	return "a " + p.Type
}

// outline shows what the arguments look like: {"zone": string (optional)}.
func (s *schema) outline() string {
	parts := make([]string, 0, len(s.root.PropertyOrder))
	for _, name := range s.root.PropertyOrder {
		part := fmt.Sprintf("%q: %s", name, s.root.Properties[name].Type)
		if !slices.Contains(s.root.Required, name) {
			part += " (optional)"
		}
		parts = append(parts, part)
	}
	return "{" + strings.Join(parts, ", ") + "}"
}
