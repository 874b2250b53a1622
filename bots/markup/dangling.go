package markup

import "strings"

// What a last line may be of which nothing but the mark is written yet.

// danglingLine says whether line is nothing but the beginning of a list item, heading,
// quote, rule or fence.
func danglingLine(line string) bool {
	switch mark := unmarked(line); mark {
	case "-", "*", "+", "--", "~~", "`", "``", "**", "|":
		return true
	case "":
		return false
	default:
		return len(mark) <= 6 && strings.Trim(mark, "#") == "" || len(mark) >= 2 && strings.Trim(mark, "=") == ""
	}
}

// danglingTask says whether line is a list item that may be about to become a task.
func danglingTask(line string) bool {
	box := strings.LastIndexByte(line, '[')
	if box < 0 || len(line) > box+2 || len(line) == box+2 && strings.IndexByte(" xX", line[box+1]) < 0 {
		return false
	}
	if box == 0 {
		return true
	}
	before := line[:box]
	if last := before[box-1]; last != ' ' && last != '\t' {
		return false
	}
	mark := unmarked(before)
	digits := leadingDigits(mark)
	return mark == "-" || mark == "*" || mark == "+" || digits >= 1 && digits <= 9 && endOfNumber(mark[digits:])
}

// danglingNumber says whether line is a number that may be about to become a list item.
func danglingNumber(line string) bool {
	number := unmarked(line)
	digits := leadingDigits(number)
	return digits >= 1 && digits <= 3 && (digits == len(number) || endOfNumber(number[digits:]))
}

// unmarked is line without the marks of quotes and the space around it.
func unmarked(line string) string { return strings.TrimRight(strings.TrimLeft(line, " \t>"), " \t") }

func leadingDigits(s string) int { return len(s) - len(strings.TrimLeft(s, "0123456789")) }

func endOfNumber(s string) bool { return s == "." || s == ")" }
