package workersai

import (
	"net/http"
	"strings"
	"time"
)

// rule is what is known about one error code.
type rule struct {
	class   Class
	retries int
	verdict time.Duration
	hint    string
}

// rules holds Cloudflare's error codes, those of Workers AI, of its API and of AI
// Gateway. Codes that the documentation lacks (4006, 5028, 5035) are as seen in answers.
var rules = map[int]rule{
	3007: {class: Retry, retries: 1}, // time-out
	3008: {class: Retry, retries: 1}, // aborted
	3046: {class: Retry, retries: 1}, // request time-out, after minutes
	3040: {class: Retry, retries: 3}, // no capacity, or rejectIfBusy
	3043: {class: Retry, retries: 2}, // internal
	8008: {class: Retry, retries: 2}, // internal
	1015: {class: Retry, retries: 3}, // rate limit of Cloudflare's edge
	2003: {class: Retry, retries: 3}, // rate limit of the gateway
	2014: {class: Retry, retries: 1}, // the gateway's provider timed out

	3042: {class: Next, verdict: 6 * time.Hour, hint: "no such model; correct the id in models"},
	5007: {class: Next, verdict: 6 * time.Hour, hint: "no such model; correct the id in models"},
	5028: {class: Next, verdict: 6 * time.Hour, hint: "the model has been withdrawn; take it out of models"},
	5035: {class: Next, verdict: time.Hour, hint: "the model needs the Workers Paid plan"},
	3041: {class: Next, verdict: time.Hour, hint: "the account may not use this model"},
	5018: {class: Next, verdict: time.Hour, hint: "the account may not use this model"},
	5016: {class: Next, verdict: time.Hour, hint: `the licence of the model must be accepted: send it the prompt "agree" once`},
	2021: {class: Next, verdict: 10 * time.Minute, hint: "the gateway has no credits left"},
	5024: {class: Next},
	5025: {class: Next},

	3036: {class: Quota, hint: "the day's free neurons are used up; the Workers Paid plan lifts the limit"},
	4006: {class: Quota, hint: "the day's free neurons are used up; the Workers Paid plan lifts the limit"},

	3006: {class: TooLong},
	3010: {class: TooLong},
	5021: {class: TooLong},

	10000: {class: Fatal, hint: "check the API token; it needs Workers AI Read and Edit"},
	7003:  {class: Fatal, hint: "check the account id"},
	3023:  {class: Fatal, hint: "the account is blocked; ask Cloudflare"},
	2008:  {class: Fatal, hint: "check the gateway id"},
	2045:  {class: Fatal, hint: "the gateway's spending limit is reached"},
	3003:  {class: Fatal},
	5004:  {class: Fatal},
	5006:  {class: Fatal},
	8001:  {class: Fatal},
	8006:  {class: Fatal},
	3039:  {class: Fatal},
	5005:  {class: Fatal},
	5019:  {class: Fatal},
	3030:  {class: Fatal, hint: "the content filter refused the request"},
}

// classify sets what follows from e's code, words and status, in this order.
func classify(e *Error, codes []int) {
	for _, code := range codes {
		known, ok := rules[code]
		if !ok || e.Code != 0 && known.class != Quota {
			continue
		}
		// A used-up day outranks whatever other code it is wrapped in.
		e.Code = code
		e.apply(known)
	}
	words := strings.ToLower(e.Message)
	switch {
	case e.Code == 7003 && e.Status == http.StatusNotFound && strings.Contains(words, "model"):
		// AI Gateway has the code for a model that it does not know.
		e.apply(rules[5007])
	case e.Code != 0:
	case strings.Contains(words, "daily free allocation"):
		e.apply(rules[4006])
	case strings.Contains(words, "maximum context length"), strings.Contains(words, "context window limit"),
		strings.Contains(words, "context_length_exceeded"), strings.Contains(words, "exceeds the available context size"):
		e.apply(rule{class: TooLong})
	case strings.Contains(words, "capacity temporarily exceeded"):
		e.apply(rules[3040])
	case strings.Contains(words, "has been deprecated"):
		e.apply(rules[5028])
	default:
		e.apply(ruleOfStatus(e.Status))
	}
	if e.Code == 0 && len(codes) > 0 {
		e.Code = codes[0]
	}
}

func (e *Error) apply(r rule) {
	e.Class, e.retries, e.verdict, e.Hint = r.class, r.retries, r.verdict, r.hint
}

func ruleOfStatus(status int) rule {
	switch {
	case status == http.StatusRequestEntityTooLarge:
		return rule{class: TooLong}
	case status == http.StatusTooManyRequests:
		return rule{class: Retry, retries: 3}
	case status == http.StatusRequestTimeout, status == http.StatusGatewayTimeout:
		return rule{class: Retry, retries: 1}
	case status == http.StatusConflict, status == http.StatusTooEarly, status >= 500:
		return rule{class: Retry, retries: 2}
	case status == http.StatusGone:
		return rules[5028]
	case status == http.StatusNotFound:
		return rule{class: Next, verdict: time.Hour, hint: "no such model, or no such address"}
	case status == http.StatusPaymentRequired:
		return rules[2021]
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return rules[10000]
	case status >= 300 && status < 400:
		return rule{class: Fatal, hint: "the server redirects; check the URL"}
	case status >= 400:
		return rule{class: Fatal}
	}
	// It broke off inside a successful answer, and said nothing that is known.
	return rule{class: Retry, retries: 1}
}
