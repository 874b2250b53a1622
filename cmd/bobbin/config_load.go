package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// maxConfig bounds a configuration file, and maxSecret a file that holds a secret, in
// bytes.
const (
	maxConfig = 1 << 20
	maxSecret = 64 << 10
)

// source remembers where a configuration's values came from.
type source struct {
	file  string
	lines map[string]int    // key → line
	vars  map[string]string // key → the variable that its value came from
}

// LoadConfig reads the file at path over the defaults and validates the result. Its
// error is a *[ConfigError] with every fault there is.
func LoadConfig(path string) (Config, error) {
	return loadConfig(path, os.LookupEnv)
}

func loadConfig(path string, env func(string) (string, bool)) (Config, error) {
	c := DefaultConfig()
	c.source = &source{file: path, lines: map[string]int{}, vars: map[string]string{}}
	data, err := readBounded(path, maxConfig)
	if err != nil {
		return Config{}, asError([]Fault{{File: path, Message: openFault(err)}})
	}
	root, faults := parseConfig(path, data)
	if len(faults) > 0 {
		return Config{}, asError(faults)
	}
	r := &configReader{source: c.source, dir: filepath.Dir(path), env: env}
	if root != nil {
		r.read(root, reflect.ValueOf(&c).Elem(), field{})
	}
	// A key that could not be read has its default, about which there is nothing to say.
	invalid := slices.DeleteFunc(c.Validate(), func(f Fault) bool {
		return slices.ContainsFunc(r.faults, func(g Fault) bool { return g.Key == f.Key })
	})
	return c, asError(append(r.faults, invalid...))
}

// readBounded reads a regular file of at most limit bytes.
func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path) //nolint:gosec // the admin names the file
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	// Only asked of what is open: a name can change in between.
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("is not a regular file")
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("is larger than %d KiB", limit>>10)
	}
	return data, nil
}

func openFault(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return "there is no such file; copy the commented config.yaml that comes with bobbin, or name yours with --config"
	}
	return "cannot be read: " + withoutPath(err)
}

// withoutPath drops the path, which may come from the environment.
func withoutPath(err error) string {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	return err.Error()
}

// parseConfig returns the top of the file's tree, nil if there is nothing in it.
func parseConfig(path string, data []byte) (*yaml.Node, []Fault) {
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	if i := invalidUTF8(data); i >= 0 {
		return nil, []Fault{{File: path, Line: 1 + bytes.Count(data[:i], []byte("\n")), Message: "is not UTF-8 text"}}
	}
	loader, err := yaml.NewLoader(bytes.NewReader(data))
	if err != nil {
		return nil, []Fault{{File: path, Message: "cannot be parsed: " + err.Error()}}
	}
	var doc, second yaml.Node
	switch err := loader.Load(&doc); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, []Fault{syntaxFault(path, err)}
	}
	switch err := loader.Load(&second); {
	case err == nil:
		return nil, []Fault{{File: path, Line: second.Line, Message: "a second document begins here; a configuration is one"}}
	case !errors.Is(err, io.EOF):
		return nil, []Fault{syntaxFault(path, err)}
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) == 0 {
		return nil, nil
	}
	return doc.Content[0], nil
}

func invalidUTF8(data []byte) int {
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

// quoted finds what the parser repeats of the file. A single character, such as ',',
// tells nothing.
var quoted = regexp.MustCompile("'[^']{2,}'|\"[^\"]{2,}\"|`[^`]{2,}`")

// syntaxFault turns the parser's error into a fault that repeats nothing of the file: a
// mistake in writing may be next to a token.
func syntaxFault(path string, err error) Fault {
	f := Fault{File: path, Message: "is not valid YAML"}
	if e, ok := errors.AsType[*yaml.LoadError](err); ok {
		f.Line = e.Mark.Line
		said := []string{e.ContextMsg, e.Message}
		f.Message += ": " + strings.TrimSpace(quoted.ReplaceAllString(strings.Join(said, " "), "…"))
		if strings.Contains(e.Message, "cannot start any token") {
			f.Message += " (indent with spaces, and quote values that begin with @ or `)"
		}
	}
	return f
}
