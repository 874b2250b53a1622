package attach

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// errBinary is the error of what is no text in any encoding that is known.
var errBinary = refuse("it is of a kind that I cannot read.")

// decodeText returns the text of a file: UTF-8, UTF-16 or UTF-32 that begins with its
// mark, or else Windows-1252, of which Latin-1 is part. Ends of lines become "\n", and
// other controls but the tab go.
func decodeText(data []byte) (string, error) {
	var s string
	switch {
	case bytes.HasPrefix(data, []byte{0xff, 0xfe, 0, 0}):
		s = utf32(data[4:], binary.LittleEndian)
	case bytes.HasPrefix(data, []byte{0, 0, 0xfe, 0xff}):
		s = utf32(data[4:], binary.BigEndian)
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}):
		s = utf16s(data[2:], binary.LittleEndian)
	case bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		s = utf16s(data[2:], binary.BigEndian)
	default:
		data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
		switch {
		case isBinary(data):
			return "", errBinary
		case utf8.Valid(data):
			s = string(data)
		default:
			b, err := charmap.Windows1252.NewDecoder().Bytes(data)
			if err != nil {
				return "", errBinary
			}
			s = string(b)
		}
	}
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s)
	s = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' || r == 0x7f {
			return -1
		}
		return r
	}, s)
	if strings.Count(s, "\ufffd") > len(s)/20 {
		return "", errBinary
	}
	if strings.TrimSpace(s) == "" {
		return "", refuse("there is nothing in it but blanks.")
	}
	return s, nil
}

// isText reports whether data can be text.
func isText(data []byte) bool {
	for _, mark := range []string{"\xff\xfe", "\xfe\xff", "\x00\x00\xfe\xff"} {
		if bytes.HasPrefix(data, []byte(mark)) {
			_, err := decodeText(data)
			return err == nil
		}
	}
	return !isBinary(data)
}

// isBinary reports whether data holds what no text does: a zero, or more than a few
// controls.
func isBinary(data []byte) bool {
	controls := 0
	for _, b := range data {
		switch {
		case b == 0:
			return true
		case b >= ' ' && b != 0x7f, b == '\t', b == '\n', b == '\r', b == '\f', b == 0x1b: // with the last, terminals begin their colours
		default:
			controls++
		}
	}
	return controls > 2+len(data)/100
}

func utf16s(data []byte, order binary.ByteOrder) string {
	units := make([]uint16, 0, len(data)/2)
	for ; len(data) >= 2; data = data[2:] {
		units = append(units, order.Uint16(data))
	}
	return string(utf16.Decode(units))
}

func utf32(data []byte, order binary.ByteOrder) string {
	var b strings.Builder
	for ; len(data) >= 4; data = data[4:] {
		u := order.Uint32(data)
		if u > utf8.MaxRune {
			u = utf8.RuneError
		}
		b.WriteRune(rune(u))
	}
	return b.String()
}

// cut shortens a text to n characters, and says so.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	all := utf8.RuneCountInString(s)
	if all <= n {
		return s
	}
	end := len(s)
	for i := range s {
		if n--; n < 0 {
			end = i
			break
		}
	}
	kept := s[:end]
	// A line that is cut in the middle misleads, where there is another end near.
	if i := strings.LastIndexByte(kept, '\n'); i > len(kept)*9/10 {
		kept = kept[:i]
	}
	return fmt.Sprintf("%s\n[The text goes on: these are %d of its %d characters.]", kept, utf8.RuneCountInString(kept), all)
}
