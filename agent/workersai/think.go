package workersai

import "strings"

// thinkFilter takes reasoning out of a text that arrives in pieces, where a model
// writes it between tags into its answer.
//
// A tag inside a code fence, or right after a quote or a backtick, is one that the
// answer talks about.
type thinkFilter struct {
	until     string // inside: the tag that ends it
	held      string // the end of what was written, while it may be the start of a tag
	fence     bool
	lineStart bool // nothing but blanks and backticks in this line
	ticks     int  // backticks at the start of this line
	prev      byte
}

var thinkTags = []struct{ open, shut string }{
	{"<think>", "</think>"},
	{"<thinking>", "</thinking>"},
}

func newThinkFilter() thinkFilter { return thinkFilter{lineStart: true} }

// write takes a piece and returns what of it, and of what was held, may be seen, and
// whether any of it was reasoning.
func (f *thinkFilter) write(s string) (text string, thinking bool) {
	if f.held != "" {
		s, f.held = f.held+s, ""
	}
	if f.until == "" && !strings.Contains(s, "<") {
		f.follow(s)
		return s, false
	}
	var out strings.Builder
	for s != "" {
		if f.until != "" {
			thinking = true
			at := strings.Index(s, f.until)
			if at < 0 {
				f.held = s[len(s)-overlap(s, f.until):]
				break
			}
			s = s[at+len(f.until):]
			f.until = ""
			continue
		}
		at := strings.IndexByte(s, '<')
		if at < 0 {
			f.follow(s)
			out.WriteString(s)
			break
		}
		f.follow(s[:at])
		out.WriteString(s[:at])
		s = s[at:]
		if f.fence || f.prev == '`' || f.prev == '"' || f.prev == '\'' {
			s = f.pass(&out, s)
			continue
		}
		tag, until, partial := matchTag(s)
		switch {
		case tag != "":
			s, f.until = s[len(tag):], until
			thinking = thinking || until != ""
		case partial:
			f.held, s = s, ""
		default:
			s = f.pass(&out, s)
		}
	}
	return out.String(), thinking
}

// close returns what was held although nothing came of it.
func (f *thinkFilter) close() string {
	if f.until != "" {
		return ""
	}
	held := f.held
	f.held = ""
	return held
}

// pass lets the first byte of s through.
func (f *thinkFilter) pass(out *strings.Builder, s string) string {
	f.follow(s[:1])
	out.WriteByte(s[0])
	return s[1:]
}

// follow keeps track of code fences in text that may be seen.
func (f *thinkFilter) follow(s string) {
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\n':
			f.lineStart, f.ticks = true, 0
		case !f.lineStart:
		case c == '`':
			if f.ticks++; f.ticks == 3 {
				f.fence, f.lineStart = !f.fence, false
			}
		case c != ' ' && c != '\t' || f.ticks > 0:
			f.lineStart = false
		}
	}
	if s != "" {
		f.prev = s[len(s)-1]
	}
}

// matchTag looks for a tag at the start of s. An opening tag comes with the one that
// ends it; a closing one alone is left over from a prompt that began inside it.
func matchTag(s string) (tag, until string, partial bool) {
	for _, t := range thinkTags {
		switch {
		case strings.HasPrefix(s, t.open):
			return t.open, t.shut, false
		case strings.HasPrefix(s, t.shut):
			return t.shut, "", false
		case strings.HasPrefix(t.open, s), strings.HasPrefix(t.shut, s):
			partial = true
		}
	}
	return "", "", partial
}

// overlap returns the length of the longest end of s that tag begins with.
func overlap(s, tag string) int {
	for n := min(len(s), len(tag)-1); n > 0; n-- {
		if strings.HasSuffix(s, tag[:n]) {
			return n
		}
	}
	return 0
}
