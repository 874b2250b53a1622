package main

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Fault is one thing that is wrong with the configuration. Its text holds neither a
// secret nor the value of an environment variable.
type Fault struct {
	File    string
	Line    int    // 1 is the first; 0 if the fault is in no line
	Key     string // such as agent.max_steps or workers_ai.models[1]; may be empty
	Message string
}

// String returns config.yaml:12: agent.max_steps: must be at least 1, is 0.
func (f Fault) String() string {
	var b strings.Builder
	b.WriteString(f.File)
	if f.Line > 0 {
		b.WriteString(":" + strconv.Itoa(f.Line))
	}
	if f.Key != "" {
		b.WriteString(": " + f.Key)
	}
	return strings.TrimPrefix(b.String()+": "+f.Message, ": ")
}

// ConfigError is all that is wrong with a configuration, by line.
type ConfigError struct{ Faults []Fault }

// Error has one line for each fault.
func (e *ConfigError) Error() string {
	lines := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		lines[i] = f.String()
	}
	return strings.Join(lines, "\n")
}

// asError returns faults as an error, sorted by line, or nil if there are none.
func asError(faults []Fault) error {
	if len(faults) == 0 {
		return nil
	}
	return &ConfigError{Faults: byLine(faults)}
}

func byLine(faults []Fault) []Fault {
	slices.SortStableFunc(faults, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Key, b.Key))
	})
	return slices.Compact(faults)
}

// show quotes a value that an admin wrote, unless it looks like a token in the wrong
// place, and not all of it if it is long.
func show(value string) string {
	if tokenLike.MatchString(value) {
		return "not shown: it looks like a secret"
	}
	if r := []rune(value); len(r) > 60 {
		value = string(r[:60]) + "…"
	}
	return strconv.Quote(value)
}

// tokenLike finds the prefixes of Slack's tokens, and what is as long and mixed as the
// tokens of others.
var tokenLike = regexp.MustCompile(`xox[a-z]-|xapp-|xoxe|[A-Za-z0-9_.-]{36,}`)
