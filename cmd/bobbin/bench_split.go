package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// benchKinds say what a function's processor time is spent on. Of a stack, the innermost
// function that one of them names decides.
var benchKinds = []struct {
	kind     string
	prefixes []string
}{
	{"garbage collection", []string{"runtime.gcBgMarkWorker", "runtime.bgsweep", "runtime.bgscavenge", "runtime.gcAssistAlloc", "runtime.gcStart", "runtime.gcDrain"}},
	{"scheduler", []string{"runtime.schedule", "runtime.findRunnable", "runtime.mstart", "runtime.sysmon"}},
	{"sync", []string{"golang.org/x/sys/unix.Fdatasync", "bobbin/agent/badgerstore.(*wal)"}},
	{"JSON", []string{"encoding/json."}},
	{"store", []string{"github.com/dgraph-io/", "bobbin/agent/badgerstore."}},
	{"Markdown", []string{"bobbin/bots/markup."}},
	{"WebSocket", []string{"github.com/gorilla/websocket."}},
	{"HTTP", []string{"net/http.", "net/http/", "net/textproto.", "mime.", "net/url."}},
	{"Slack's client", []string{"github.com/slack-go/"}},
	{"all else of bobbin", []string{"bobbin/", "main."}},
}

const benchOther = "the rest of the runtime"

func benchKind(function string) string {
	for _, k := range benchKinds {
		for _, p := range k.prefixes {
			if strings.HasPrefix(function, p) {
				return k.kind
			}
		}
	}
	return ""
}

// benchSplit returns which part of the processor time in a profile is spent on each kind.
func benchSplit(profile io.Reader) (parts map[string]float64, err error) {
	unzipped, err := gzip.NewReader(profile)
	if err != nil {
		return nil, fmt.Errorf("read a profile: %w", err)
	}
	b, err := io.ReadAll(unzipped)
	if err != nil {
		return nil, fmt.Errorf("read a profile: %w", err)
	}
	p := pprofProfile{locations: make(map[uint64][]uint64), functions: make(map[uint64]uint64)}
	if err := p.read(b); err != nil {
		return nil, fmt.Errorf("read a profile: %w", err)
	}
	parts, total := make(map[string]float64), 0.0
	for _, s := range p.samples {
		kind := benchOther
	stack:
		for _, at := range s.stack {
			for _, f := range p.locations[at] {
				if k := benchKind(p.name(p.functions[f])); k != "" {
					kind = k
					break stack
				}
			}
		}
		parts[kind] += float64(s.spent)
		total += float64(s.spent)
	}
	for k := range parts {
		parts[k] /= max(total, 1)
	}
	return parts, nil
}

// pprofProfile is what is needed of a profile in pprof's format, which is a message of
// protocol buffers.
type pprofProfile struct {
	samples   []pprofSample
	locations map[uint64][]uint64 // functions, innermost first
	functions map[uint64]uint64   // index of their names
	strings   []string
}

type pprofSample struct {
	stack []uint64 // locations, innermost first
	spent uint64   // nanoseconds
}

func (p *pprofProfile) name(i uint64) string {
	if i < uint64(len(p.strings)) {
		return p.strings[i]
	}
	return ""
}

func (p *pprofProfile) read(b []byte) error {
	return fields(b, func(field int, n uint64, b []byte) error {
		switch field {
		case 2:
			var s pprofSample
			err := fields(b, func(field int, n uint64, b []byte) error {
				var values []uint64
				if values = append(values, n); b != nil {
					values = packed(b)
				}
				switch field {
				case 1:
					s.stack = append(s.stack, values...)
				case 2:
					s.spent = values[len(values)-1] // the last kind of value is time
				}
				return nil
			})
			p.samples = append(p.samples, s)
			return err
		case 4:
			var id uint64
			var functions []uint64
			err := fields(b, func(field int, n uint64, b []byte) error {
				switch field {
				case 1:
					id = n
				case 4:
					return fields(b, func(field int, n uint64, _ []byte) error {
						if field == 1 {
							functions = append(functions, n)
						}
						return nil
					})
				}
				return nil
			})
			p.locations[id] = functions
			return err
		case 5:
			var id, name uint64
			err := fields(b, func(field int, n uint64, _ []byte) error {
				switch field {
				case 1:
					id = n
				case 2:
					name = n
				}
				return nil
			})
			p.functions[id] = name
			return err
		case 6:
			p.strings = append(p.strings, string(b))
		}
		return nil
	})
}

var errProfile = errors.New("it is not in the format of pprof")

// fields calls f with each field of a message: with its number, or with its bytes.
func fields(b []byte, f func(field int, n uint64, b []byte) error) error {
	for len(b) > 0 {
		tag, size := binary.Uvarint(b)
		if size <= 0 {
			return errProfile
		}
		b = b[size:]
		n, size := binary.Uvarint(b)
		if size <= 0 {
			return errProfile
		}
		b = b[size:]
		var value []byte
		switch tag & 7 {
		case 0:
		case 2:
			if n > uint64(len(b)) {
				return errProfile
			}
			value, b, n = b[:n:n], b[n:], 0
			if value == nil {
				value = []byte{}
			}
		default:
			return errProfile
		}
		if err := f(int(tag>>3), n, value); err != nil {
			return err
		}
	}
	return nil
}

func packed(b []byte) (values []uint64) {
	for r := bytes.NewReader(b); r.Len() > 0; {
		n, err := binary.ReadUvarint(r)
		if err != nil {
			break
		}
		values = append(values, n)
	}
	return append(values, make([]uint64, max(0, 1-len(values)))...)
}
