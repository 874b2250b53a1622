package workersai

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"bobbin/agent"
)

// maxCachedTools bounds the cache: tools from elsewhere may come and go.
const maxCachedTools = 1024

// toolCache keeps the wire form of tools, which are the same in every step.
type toolCache struct {
	mu    sync.Mutex
	tools map[toolKey]json.RawMessage
}

type toolKey struct{ name, description, schema string }

func (c *toolCache) wire(specs []agent.ToolSpec) ([]json.RawMessage, error) {
	out := make([]json.RawMessage, 0, len(specs))
	for _, spec := range specs {
		c.mu.Lock()
		raw, ok := c.tools[toolKey{spec.Name, spec.Description, string(spec.Schema)}] // which copies nothing
		c.mu.Unlock()
		if !ok {
			var err error
			if raw, err = wireTool(spec); err != nil {
				return nil, fmt.Errorf("tool %q: %w", spec.Name, err)
			}
			c.mu.Lock()
			if c.tools == nil || len(c.tools) >= maxCachedTools {
				c.tools = make(map[toolKey]json.RawMessage)
			}
			c.tools[toolKey{spec.Name, spec.Description, string(spec.Schema)}] = raw
			c.mu.Unlock()
		}
		out = append(out, raw)
	}
	return out, nil
}

func wireTool(spec agent.ToolSpec) (json.RawMessage, error) {
	schema, err := fullSchema(spec.Schema)
	if err != nil {
		return nil, err
	}
	type function struct {
		Name        string          `json:"name"`
		Description string          `json:"description"`
		Parameters  json.RawMessage `json:"parameters"`
	}
	description := spec.Description
	if description == "" {
		description = words(spec.Name)
	}
	return json.Marshal(struct {
		Type     string   `json:"type"`
		Function function `json:"function"`
	}{"function", function{spec.Name, description, schema}})
}

// fullSchema gives each property a type and a description where it has none, and one
// type where it has several: older models refuse the request otherwise. A schema that
// has all that is left as it is, in its order.
func fullSchema(schema json.RawMessage) (json.RawMessage, error) {
	if len(bytes.TrimSpace(schema)) == 0 {
		return json.RawMessage(`{"type":"object","properties":{}}`), nil
	}
	var root map[string]any
	if err := json.Unmarshal(schema, &root); err != nil || root == nil {
		return nil, errors.New("the schema of its arguments is no JSON object")
	}
	changed := false
	if root["type"] != "object" {
		root["type"], changed = "object", true
	}
	if _, ok := root["properties"].(map[string]any); !ok {
		root["properties"], changed = map[string]any{}, true
	}
	if complete(root) || changed {
		return json.Marshal(root)
	}
	var out bytes.Buffer
	err := json.Compact(&out, schema)
	return out.Bytes(), err
}

// complete fills in what the properties of a schema lack, and reports whether that
// was anything.
func complete(schema map[string]any) (changed bool) {
	properties, _ := schema["properties"].(map[string]any)
	for name, value := range properties {
		property, ok := value.(map[string]any)
		if !ok { // true: anything goes
			property, changed = map[string]any{}, true
			properties[name] = property
		}
		if _, ok := property["type"].(string); !ok {
			property["type"], changed = typeOf(property), true
		}
		if d, ok := property["description"].(string); !ok || d == "" {
			property["description"], changed = words(name), true
		}
		changed = complete(property) || changed
	}
	if items, ok := schema["items"].(map[string]any); ok {
		changed = complete(items) || changed
	}
	return changed
}

// typeOf chooses the one type of a schema that names none, or several.
func typeOf(schema map[string]any) string {
	if several, ok := schema["type"].([]any); ok {
		for _, t := range several {
			if s, ok := t.(string); ok && s != "null" {
				return s
			}
		}
	}
	for _, key := range []string{"anyOf", "oneOf", "allOf"} {
		variants, _ := schema[key].([]any)
		for _, v := range variants {
			if variant, ok := v.(map[string]any); ok && variant["type"] != "null" {
				return typeOrGuess(variant)
			}
		}
	}
	if list, ok := schema["enum"].([]any); ok && len(list) > 0 {
		switch list[0].(type) {
		case float64:
			return "number"
		case bool:
			return "boolean"
		}
	}
	switch {
	case schema["properties"] != nil:
		return "object"
	case schema["items"] != nil:
		return "array"
	}
	return "string"
}

func typeOrGuess(schema map[string]any) string {
	if t, ok := schema["type"].(string); ok {
		return t
	}
	return typeOf(schema)
}

// words makes a description of a name.
func words(name string) string { return strings.NewReplacer("_", " ", "-", " ").Replace(name) }
