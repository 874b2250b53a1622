package workersai

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	maxErrorBody  = 64 << 10
	maxErrorWords = 500
)

// fault is an entry of "errors", or one of the other things that stand for it.
type fault struct {
	Code    looseText `json:"code"`
	Message looseText `json:"message"`
	Type    looseText `json:"type"`
}

var codeInWords = regexp.MustCompile(`(?:^|[:\s])(?:error code: )?([1-9]\d{3,4})(?::|\s*$)`)

// errorOf reads the body of a failed request, whatever its shape: Cloudflare's
// envelope, AI Gateway's, OpenAI's, or plain text.
func (c *Client) errorOf(model string, status int, header http.Header, body []byte) *Error {
	var in struct {
		Errors  json.RawMessage `json:"errors"`
		Error   json.RawMessage `json:"error"`
		Detail  looseText       `json:"detail"`
		Message looseText       `json:"message"`
	}
	e := &Error{Model: model, Status: status}
	var found fault
	if unmarshal(body, &in) == nil {
		found = firstFault(in.Errors, in.Error)
		found.Message = cmp.Or(found.Message, in.Message, in.Detail)
	}
	if found.Message == "" && found.Code == "" {
		found.Message = looseText(plainWords(body))
	}
	if found.Message == "" {
		found.Message = looseText(http.StatusText(status))
	}
	c.fill(e, found)
	e.RetryAfter = retryAfter(header.Get("Retry-After"))
	return e
}

// fill takes over what a fault says, and what follows from it.
func (c *Client) fill(e *Error, f fault) {
	words := string(f.Message)
	var codes []int
	if n, err := strconv.Atoi(string(f.Code)); err == nil && n > 0 {
		codes = append(codes, n)
	}
	for _, m := range codeInWords.FindAllStringSubmatch(clip(words, maxErrorWords), 4) {
		if n, err := strconv.Atoi(m[1]); err == nil {
			codes = append(codes, n)
		}
	}
	if f.Code != "" && len(codes) == 0 {
		words = string(f.Code) + ": " + words // OpenAI's codes are words
	}
	e.Message = clip(c.secrets.Replace(strings.ToValidUTF8(words, "")), maxErrorWords)
	classify(e, codes)
}

// firstFault finds the first entry of the lists or objects that answers use for errors.
// It returns the zero fault if there is none.
func firstFault(candidates ...json.RawMessage) fault {
	for _, raw := range candidates {
		raw = bytes.TrimSpace(raw)
		if len(raw) == 0 {
			continue
		}
		switch raw[0] {
		case '[':
			var list []json.RawMessage
			if unmarshal(raw, &list) == nil && len(list) > 0 {
				return oneFault(list[0])
			}
		case '{', '"':
			if f := oneFault(raw); f != (fault{}) {
				return f
			}
		}
	}
	return fault{}
}

func oneFault(raw json.RawMessage) fault {
	var f fault
	if len(raw) > 0 && raw[0] == '{' {
		if unmarshal(raw, &f) != nil {
			return fault{}
		}
		if f.Message == "" {
			f.Message = f.Type
		}
		if f.Message == "" && f.Code == "" && len(raw) > 2 {
			f.Message = looseText(raw)
		}
		f.Type = ""
		return f
	}
	// A message without its object.
	_ = f.Message.UnmarshalJSON(raw)
	return f
}

// plainWords makes a line of an answer that is not JSON, such as a page of HTML.
func plainWords(body []byte) string {
	words := strings.ToValidUTF8(string(body[:min(len(body), 4096)]), "")
	if strings.Contains(words, "<") {
		words = regexp.MustCompile(`(?s)<(style|script).*?</(style|script)>|<[^>]*>`).ReplaceAllString(words, " ")
	}
	return strings.Join(strings.Fields(words), " ")
}

// retryAfter reads the header of that name: seconds or a date.
func retryAfter(v string) time.Duration {
	v = strings.TrimSpace(v)
	if s, err := strconv.ParseFloat(v, 64); err == nil {
		return time.Duration(min(max(s, 0), 86_400) * float64(time.Second))
	}
	if at, err := http.ParseTime(v); err == nil {
		return min(max(time.Until(at), 0), 24*time.Hour)
	}
	return 0
}

// clip shortens s to n bytes, at a rune's boundary.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
