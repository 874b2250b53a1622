package main

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// maxItems bounds a list, maxKeys a map.
const (
	maxItems = 100
	maxKeys  = 1000
)

// configReader fills a Config from a YAML tree. It goes on after a fault, so that an
// admin sees all of them at once. Libraries decode faster but expand no variables by
// value, know no secrets, and stop at or repeat what they cannot read.
type configReader struct {
	*source
	dir    string // of the configuration file
	env    func(string) (string, bool)
	faults []Fault
}

// field is the place that a value goes to.
type field struct {
	key      string
	optional bool // ${NAME} of an unset variable is empty
	secret   bool
}

func (r *configReader) fault(n *yaml.Node, key, format string, args ...any) {
	r.faults = append(r.faults, Fault{File: r.file, Line: n.Line, Key: key, Message: fmt.Sprintf(format, args...)})
}

// read puts n into v. A key without a value keeps its default.
func (r *configReader) read(n *yaml.Node, v reflect.Value, f field) {
	at := n
	for n.Kind == yaml.AliasNode && n.Alias != nil {
		n = n.Alias
	}
	if f.key != "" {
		r.lines[f.key] = at.Line
	}
	if n.Style&yaml.TaggedStyle != 0 {
		r.fault(at, f.key, "has a YAML tag; write the value without")
		return
	}
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		return
	}
	if v.Type() == reflect.TypeFor[Secret]() {
		f.secret, f.optional = true, true
	}
	switch {
	case v.Kind() == reflect.Pointer:
		value := reflect.New(v.Type().Elem())
		r.read(at, value.Elem(), f)
		v.Set(value)
	case v.Kind() == reflect.Map:
		r.readMap(n, at, v, f)
	case v.Kind() == reflect.Struct && !f.secret:
		r.readStruct(n, at, v, f)
	case v.Kind() == reflect.Slice:
		r.readList(n, at, v, f)
	case n.Kind != yaml.ScalarNode:
		r.fault(at, f.key, "must be %s, is %s", wanted(v.Type()), shape(n))
	default:
		r.readScalar(n, at, v, f)
	}
}

func (r *configReader) readStruct(n, at *yaml.Node, v reflect.Value, f field) {
	if n.Kind != yaml.MappingNode {
		// Never its value: "bot_token xoxb-…" without a colon ends up here.
		r.fault(at, f.key, "must be a mapping of keys to values (key: value), is %s", shape(n))
		return
	}
	fields := keysOf(v.Type())
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, val := n.Content[i], n.Content[i+1]
		name := k.Value
		if k.Kind != yaml.ScalarNode {
			r.fault(k, f.key, "a key must be plain text, is %s", shape(k))
			continue
		}
		if first, ok := seen[name]; ok {
			r.fault(k, join(f.key, printable(name)), "is given twice, first in line %d", first)
			continue
		}
		seen[name] = k.Line
		sf, ok := fields[name]
		if !ok {
			r.fault(k, join(f.key, printable(name)), "unknown key%s", suggest(f.key, name, fields))
			continue
		}
		at := *val
		at.Line = k.Line // of a block text, the line of its key
		if val.Kind == yaml.MappingNode || val.Kind == yaml.SequenceNode {
			at.Line = val.Line
		}
		r.lines[join(f.key, name)] = k.Line
		r.read(&at, v.FieldByIndex(sf.Index), field{key: join(f.key, name), optional: sf.Tag.Get("env") == "optional"})
		r.lines[join(f.key, name)] = k.Line
	}
}

// idLike are the keys of a map that may be shown.
var idLike = regexp.MustCompile(`^[A-Za-z0-9]{1,32}$`)

// readMap reads a mapping whose keys an admin chooses: ids. What they may be is for
// Validate.
func (r *configReader) readMap(n, at *yaml.Node, v reflect.Value, f field) {
	if n.Kind != yaml.MappingNode {
		r.fault(at, f.key, "must be a mapping of ids to what differs there, is %s", shape(n))
		return
	}
	if len(n.Content)/2 > maxKeys {
		r.fault(at, f.key, "has %d keys, at most %d are allowed", len(n.Content)/2, maxKeys)
		return
	}
	values := reflect.MakeMap(v.Type())
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, val := n.Content[i], n.Content[i+1]
		if k.Kind != yaml.ScalarNode || !idLike.MatchString(k.Value) {
			r.fault(k, f.key, "a key must be an id: up to 32 letters and digits")
			continue
		}
		key := join(f.key, k.Value)
		if first, ok := seen[k.Value]; ok {
			r.fault(k, key, "is given twice, first in line %d", first)
			continue
		}
		seen[k.Value] = k.Line
		value := reflect.New(v.Type().Elem()).Elem()
		r.read(val, value, field{key: key})
		r.lines[key] = k.Line
		values.SetMapIndex(reflect.ValueOf(k.Value), value)
	}
	v.Set(values)
}

func (r *configReader) readList(n, at *yaml.Node, v reflect.Value, f field) {
	if n.Kind != yaml.SequenceNode {
		r.fault(at, f.key, "must be a list, is %s", shape(n))
		return
	}
	if len(n.Content) > maxItems {
		r.fault(at, f.key, "has %d items, at most %d are allowed", len(n.Content), maxItems)
		return
	}
	list := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, item := range n.Content {
		r.read(item, list.Index(i), field{key: f.key + "[" + strconv.Itoa(i) + "]"})
	}
	if len(n.Content) == 0 {
		list = reflect.Zero(v.Type())
	}
	v.Set(list)
}

func (r *configReader) readScalar(n, at *yaml.Node, v reflect.Value, f field) {
	text, name, err := expand(n.Value, f.optional, r.env)
	if err != nil {
		r.fault(at, f.key, "%v", err)
		return
	}
	// What the environment holds is never shown, so a wrong value is named by its variable.
	is := "is " + show(text)
	if name != "" {
		r.vars[f.key] = name
		is = "the value of ${" + name + "} is not"
	}
	switch p := v.Addr().Interface().(type) {
	case *Secret:
		if text, err = r.secretFile(text, name); err != nil {
			r.fault(at, f.key, "%v", err)
			return
		}
		*p = NewSecret(text)
	case *string:
		*p = text
	case *time.Duration:
		d, err := time.ParseDuration(text)
		if err != nil {
			r.fault(at, f.key, "must be %s, %s", wanted(v.Type()), is)
			return
		}
		*p = d
	case *int:
		i, err := strconv.Atoi(text)
		if err != nil || name == "" && n.ShortTag() == "!!str" {
			r.fault(at, f.key, "must be %s, %s", wanted(v.Type()), is)
			return
		}
		*p = i
	case *bool:
		if text != "true" && text != "false" || name == "" && n.ShortTag() == "!!str" {
			r.fault(at, f.key, "must be %s, %s", wanted(v.Type()), is)
			return
		}
		*p = text == "true"
	default:
		r.fault(at, f.key, "cannot be set")
	}
}

// keysOf maps the keys of a struct to its fields.
func keysOf(t reflect.Type) map[string]reflect.StructField {
	keys := map[string]reflect.StructField{}
	for sf := range t.Fields() {
		if name := sf.Tag.Get("yaml"); name != "" {
			keys[name] = sf
		}
	}
	return keys
}

func join(parent, name string) string { return strings.TrimPrefix(parent+"."+name, ".") }

func wanted(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return "a duration such as 30s or 5m"
	case t.Kind() == reflect.Int:
		return "a whole number"
	case t.Kind() == reflect.Bool:
		return "true or false"
	}
	return "text"
}

func shape(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode:
		return "a single value"
	default:
		return "something else"
	}
}

var keyLike = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]{0,39}$`)

// printable returns an unknown key as it may be shown: a token in the wrong column may
// stand where a key should.
func printable(name string) string {
	if !keyLike.MatchString(name) || strings.HasPrefix(name, "xox") || strings.HasPrefix(name, "xapp") || strings.ContainsAny(name, "0123456789") {
		return "(not shown)"
	}
	return name
}

// suggest names the key that was perhaps meant: a similar one here, or the same elsewhere.
func suggest(parent, name string, here map[string]reflect.StructField) string {
	best, bestDistance := "", 3
	for _, k := range slices.Sorted(maps.Keys(here)) {
		if d := distance(name, k); d < bestDistance && 2*d < len(k) {
			best, bestDistance = k, d
		}
	}
	if best == "" {
		best = elsewhere(reflect.TypeFor[Config](), "", name)
	} else {
		best = join(parent, best)
	}
	if best == "" {
		return ""
	}
	return ", did you mean " + best + "?"
}

// elsewhere finds the first key of that name in the whole configuration.
func elsewhere(t reflect.Type, parent, name string) string {
	for sf := range t.Fields() {
		key := sf.Tag.Get("yaml")
		if key == "" {
			continue
		}
		if key == name {
			return join(parent, key)
		}
		if sf.Type.Kind() == reflect.Struct {
			if found := elsewhere(sf.Type, join(parent, key), name); found != "" {
				return found
			}
		}
	}
	return ""
}

// distance is the number of letters to change, add or take away to get from a to b, up
// to the length of a key.
func distance(a, b string) int {
	if len(a) > 40 || len(b) > 40 {
		return 40
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
