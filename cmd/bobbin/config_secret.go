package main

import (
	"fmt"
	"log/slog"
	"strings"
	"unicode"
)

const masked = "[secret]"

// Secret is a token or key. Whatever prints, logs or encodes it gets a mask; only
// [Secret.Reveal] gives it away.
type Secret struct{ value string }

// NewSecret wraps value.
func NewSecret(value string) Secret { return Secret{value} }

// Reveal returns the secret itself, for the client that needs it.
func (s Secret) Reveal() string { return s.value }

// Set reports whether there is one.
func (s Secret) Set() bool { return s.value != "" }

// String returns a mask, or nothing if there is no secret.
func (s Secret) String() string {
	if s.value == "" {
		return ""
	}
	return masked
}

// Format masks the secret for every verb and flag, such as %#v and %x.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// LogValue masks the secret in logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText masks the secret in JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// fault says why s cannot be a token, in words that do not show it.
func (s Secret) fault() string {
	switch {
	case strings.ContainsFunc(s.value, unicode.IsSpace):
		return "must not contain white space; was more than the token copied?"
	case strings.ContainsFunc(s.value, func(r rune) bool { return r > unicode.MaxASCII || unicode.IsControl(r) }):
		return "must be printable ASCII characters only"
	}
	return ""
}
