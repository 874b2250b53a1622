package markup

import "strings"

// lineMark is what of line begins a block when it begins a line, with the space after it.
func lineMark(line string) string {
	if line == "" {
		return ""
	}
	mark := 0
	switch c := line[0]; {
	case c == '>':
		return line[:1]
	case c == '~':
		if strings.HasPrefix(line, "~~~") {
			return line[:3]
		}
		return ""
	case c == '#':
		if mark = run(line, 0); mark > 6 {
			return ""
		}
	case c == '=':
		return underline(line)
	case c == '-' && strings.HasPrefix(line, "-#") && len(line) > 2 && isSpace(line[2]):
		return line[:3]
	case c == '-' && len(line) > 1 && !isSpace(line[1]):
		return underline(line)
	case c == '-', c == '*', c == '+':
		mark = 1
	case c >= '0' && c <= '9':
		digits := leadingDigits(line)
		if digits > 9 || digits == len(line) || line[digits] != '.' && line[digits] != ')' {
			return ""
		}
		mark = digits + 1
	default:
		return ""
	}
	switch {
	case mark == len(line):
		return line
	case isSpace(line[mark]):
		return line[:mark+1]
	default:
		return ""
	}
}

// underline is line if it is nothing but a run of one character.
func underline(line string) string {
	if strings.TrimRight(line[run(line, 0):], " \t\n\f\r") != "" {
		return ""
	}
	return line
}

func isSpace(c byte) bool { return strings.IndexByte(" \t\n\f\r", c) >= 0 }
