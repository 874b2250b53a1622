package badgerstore

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"

	"bobbin/agent"
)

// parseEntry is json.Unmarshal for entries as this package writes them, at a fraction of
// its cost: a turn reads hundreds of them. It reports false for all that it does not
// understand, which then is json.Unmarshal's to judge; what it does understand, it reads
// as that would.
func parseEntry(b []byte, e *agent.Entry) bool {
	p := parser{b: b}
	ok := p.object(func(key []byte) bool {
		switch string(key) {
		case "role":
			return parseString(&p, &e.Role)
		case "at":
			from := p.i
			return p.skipString() && e.At.UnmarshalJSON(p.b[from:p.i]) == nil
		case "text":
			return parseString(&p, &e.Text)
		case "author":
			if e.Author != nil {
				return false
			}
			e.Author = new(agent.Author)
			return p.author(e.Author)
		case "direct":
			return p.bool(&e.Direct)
		case "file_id":
			return parseString(&p, &e.FileID)
		case "calls":
			return e.Calls == nil && p.calls(&e.Calls)
		case "model":
			return parseString(&p, &e.Model)
		case "usage":
			if e.Usage != nil {
				return false
			}
			e.Usage = new(agent.Usage)
			return p.usage(e.Usage)
		case "turn":
			return parseString(&p, &e.Turn)
		case "call_id":
			return parseString(&p, &e.CallID)
		case "tool":
			return parseString(&p, &e.Tool)
		case "failed":
			return p.bool(&e.Failed)
		}
		return false
	})
	return ok && p.i == len(p.b)
}

// parser reads JSON without blanks.
type parser struct {
	b []byte
	i int
}

func (p *parser) author(a *agent.Author) bool {
	return p.object(func(key []byte) bool {
		switch string(key) {
		case "id":
			return parseString(p, &a.ID)
		case "name":
			return parseString(p, &a.Name)
		}
		return false
	})
}

func (p *parser) calls(calls *[]agent.ToolCall) bool {
	if !p.literal("[") {
		return false
	}
	for {
		var c agent.ToolCall
		ok := p.object(func(key []byte) bool {
			switch string(key) {
			case "id":
				return parseString(p, &c.ID)
			case "name":
				return parseString(p, &c.Name)
			case "args":
				return c.Args == nil && p.raw(&c.Args)
			}
			return false
		})
		if *calls = append(*calls, c); !ok {
			return false
		}
		if p.literal("]") {
			return true
		}
		if !p.literal(",") {
			return false
		}
	}
}

// raw reads an object of whatever kind.
func (p *parser) raw(to *json.RawMessage) bool {
	from, depth, quoted := p.i, 0, false
	if p.i == len(p.b) || p.b[p.i] != '{' {
		return false
	}
	for ; p.i < len(p.b); p.i++ {
		switch c := p.b[p.i]; {
		case quoted && c == '\\':
			p.i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth == 0 {
				p.i++
				*to = append(json.RawMessage(nil), p.b[from:p.i]...)
				return json.Valid(*to)
			}
		}
	}
	return false
}

func (p *parser) usage(u *agent.Usage) bool {
	return p.object(func(key []byte) bool {
		switch string(key) {
		case "input":
			return p.int(&u.Input)
		case "cached":
			return p.int(&u.Cached)
		case "output":
			return p.int(&u.Output)
		case "neurons":
			n, ok := p.number()
			if !ok {
				return false
			}
			var err error
			u.Neurons, err = strconv.ParseFloat(n, 64)
			return err == nil
		}
		return false
	})
}

// object reads an object. value reads the value of a key.
func (p *parser) object(value func(key []byte) bool) bool {
	if !p.literal("{") {
		return false
	}
	if p.literal("}") {
		return true
	}
	for {
		from := p.i + 1
		if !p.skipString() || !p.literal(":") {
			return false
		}
		if !value(p.b[from : p.i-2]) {
			return false
		}
		if p.literal("}") {
			return true
		}
		if !p.literal(",") {
			return false
		}
	}
}

func (p *parser) literal(s string) bool {
	if len(p.b)-p.i < len(s) || string(p.b[p.i:p.i+len(s)]) != s {
		return false
	}
	p.i += len(s)
	return true
}

func (p *parser) bool(b *bool) bool {
	*b = p.literal("true")
	return *b || p.literal("false")
}

func (p *parser) int(n *int) bool {
	s, ok := p.number()
	if !ok {
		return false
	}
	var err error
	*n, err = strconv.Atoi(s)
	return err == nil
}

// number reads a number, of which the caller has to see whether it is one. It refuses
// what Go takes for a number and JSON does not.
func (p *parser) number() (string, bool) {
	from := p.i
	for p.i < len(p.b) && (p.b[p.i] >= '0' && p.b[p.i] <= '9' || p.i > from && (p.b[p.i] == '.' || p.b[p.i] == 'e' || p.b[p.i] == '-')) {
		p.i++
	}
	s := string(p.b[from:p.i])
	n := len(s)
	if n == 0 || n > 1 && s[0] == '0' && s[1] != '.' && s[1] != 'e' {
		return "", false
	}
	for i := range n {
		if c := s[i]; c == '.' && (i+1 == n || s[i+1] < '0' || s[i+1] > '9') || c == 'e' && i+1 == n {
			return "", false
		}
	}
	return s, true
}

// skipString skips a string without escapes.
func (p *parser) skipString() bool {
	if !p.literal(`"`) {
		return false
	}
	for ; p.i < len(p.b); p.i++ {
		switch c := p.b[p.i]; {
		case c == '"':
			p.i++
			return true
		case c < ' ' || c == '\\' || c >= utf8.RuneSelf:
			return false
		}
	}
	return false
}

// parseString reads a string.
func parseString[S ~string](p *parser, s *S) bool {
	if !p.literal(`"`) {
		return false
	}
	from, escapes, ascii := p.i, 0, true
	for ; p.i < len(p.b); p.i++ {
		switch c := p.b[p.i]; {
		case plain[c]:
		case c == '"':
			raw := p.b[from:p.i]
			p.i++
			if !ascii && !utf8.Valid(raw) {
				return false
			}
			if escapes == 0 {
				*s = S(raw)
				return true
			}
			text, ok := unescape(raw, escapes)
			*s = S(text)
			return ok
		case c == '\\':
			escapes++
			p.i++ // which may be a quote
		case c < ' ':
			return false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return false
}

// plain are the bytes that stand for themselves in a string.
var plain = func() (plain [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		plain[c] = c != '"' && c != '\\'
	}
	return plain
}()

// unescape replaces the short escapes. Those by number are rare, and false.
func unescape(raw []byte, escapes int) (string, bool) {
	var out strings.Builder
	out.Grow(len(raw) - escapes)
	for {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 {
			out.Write(raw)
			return out.String(), true
		}
		out.Write(raw[:i])
		c := raw[i+1]
		switch c {
		case 'n':
			c = '\n'
		case 't':
			c = '\t'
		case 'r':
			c = '\r'
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case '"', '\\', '/':
		default:
			return "", false
		}
		out.WriteByte(c)
		raw = raw[i+2:]
	}
}
