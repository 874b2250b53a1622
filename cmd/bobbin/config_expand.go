package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
)

// variable is ${NAME} or ${NAME:-default}; $${ stands for a literal ${.
var variable = regexp.MustCompile(`\$?\$\{(?:([A-Za-z_][A-Za-z0-9_]*)(:-[^}]*)?\})?`)

// expand replaces the variables in one value and returns the last one's name, empty if
// there is none. What a variable holds is not expanded again. An unset variable without
// a default is an error, unless the key is optional: a typo must not turn into a
// default in silence.
func expand(value string, optional bool, env func(string) (string, bool)) (text, name string, err error) {
	var b strings.Builder
	rest := value
	for {
		m := variable.FindStringSubmatchIndex(rest)
		if m == nil {
			break
		}
		b.WriteString(rest[:m[0]])
		found := rest[m[0]:m[1]]
		if strings.HasPrefix(found, "$$") {
			b.WriteString("${")
			rest = rest[m[0]+len("$${"):]
			continue
		}
		if m[2] < 0 {
			return "", "", errors.New("has a ${ that is no variable: write ${NAME} or ${NAME:-default}, or $${ for the two characters")
		}
		name = rest[m[2]:m[3]]
		v, set := env(name)
		switch {
		case m[4] >= 0 && v == "":
			v = rest[m[4]+len(":-") : m[5]]
		case !set && !optional:
			return "", "", fmt.Errorf("the environment variable %s is not set; set it, or write ${%s:-default}", name, name)
		}
		b.WriteString(v)
		rest = rest[m[1]:]
	}
	return b.String() + rest, name, nil
}

// secretFile reads the secret that a value of the form file:PATH stands for; any other
// value is the secret itself. A relative path starts at the configuration file.
func (r *configReader) secretFile(value, variable string) (string, error) {
	path, ok := strings.CutPrefix(value, "file:")
	if !ok {
		return value, nil
	}
	shown := path
	if variable != "" {
		shown = "named by ${" + variable + "}"
	}
	if path == "" {
		return "", errors.New("file: names no file")
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(r.dir, path)
	}
	data, err := readBounded(path, maxSecret)
	if err != nil {
		return "", fmt.Errorf("the file %s cannot be read: %s", shown, withoutPath(err))
	}
	text := strings.TrimRight(string(data), "\r\n")
	if text == "" {
		return "", fmt.Errorf("the file %s is empty", shown)
	}
	return text, nil
}
