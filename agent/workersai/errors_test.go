package workersai

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bobbin/agent"
)

func envelope(code int, message string) string {
	return fmt.Sprintf(`{"result":null,"success":false,"errors":[{"code":%d,"message":%q}],"messages":[]}`, code, message)
}

func TestErrorsAreClassifiedByCodeThenWordsThenStatus(t *testing.T) {
	c := newClient(t, Options{})
	const page = `<html><head><style>x{}</style></head><body><h1>error code: 1015</h1></body></html>`
	for _, tc := range []struct {
		status int
		body   string
		code   int
		class  Class
	}{
		{400, envelope(5007, "No such model"), 5007, Next},
		{404, envelope(3042, "No such model"), 3042, Next},
		{410, envelope(5028, "AiError: Model has been deprecated: x was deprecated on 2026-05-30."), 5028, Next},
		{403, envelope(5035, "needs Workers Paid"), 5035, Next},
		{403, envelope(5018, "not allowed"), 5018, Next},
		{403, envelope(3041, "not allowed"), 3041, Next},
		{403, envelope(5016, "licence"), 5016, Next},
		{403, envelope(3023, "blocked"), 3023, Fatal},
		{401, envelope(10000, "Authentication error"), 10000, Fatal},
		{403, envelope(10000, "Authentication error"), 10000, Fatal},
		{404, envelope(7003, "Could not route to /client/v4/accounts/x, perhaps your object identifier is invalid?"), 7003, Fatal},
		{429, envelope(3036, "daily"), 3036, Quota},
		{429, envelope(4006, "you have used up your daily free allocation of 10,000 neurons"), 4006, Quota},
		{429, envelope(3040, "AiError: 4006: you have used up your daily free allocation"), 4006, Quota},
		{429, envelope(0, "AiError: you have used up your daily free allocation of 10,000 neurons"), 0, Quota},
		{429, envelope(3040, "Capacity temporarily exceeded, please try again."), 3040, Retry},
		{429, `{"errors":[{"message":"Capacity temporarily exceeded, please try again."}]}`, 0, Retry},
		{408, envelope(3007, "timeout"), 3007, Retry},
		{408, envelope(3008, "aborted"), 3008, Retry},
		{500, envelope(3046, "Request timeout"), 3046, Retry},
		{500, envelope(3043, "Internal server error"), 3043, Retry},
		{500, envelope(8008, "Internal server error"), 8008, Retry},
		{413, envelope(3006, "too large"), 3006, TooLong},
		{413, envelope(5021, "The estimated number of input and maximum output tokens (35000) exceeded this model context window limit (24000)"), 5021, TooLong},
		{413, envelope(3010, "x"), 3010, TooLong},
		{400, envelope(0, "Requested token count exceeds the model's maximum context length of 256000 tokens."), 0, TooLong},
		{400, `{"error":{"code":400,"message":"the request exceeds the available context size","type":"exceed_context_size_error"}}`, 400, TooLong},
		{400, envelope(3003, "bad"), 3003, Fatal},
		{400, envelope(5004, "bad"), 5004, Fatal},
		{400, envelope(5006, "oneOf at '/' not met"), 5006, Fatal},
		{400, envelope(8001, "Invalid input"), 8001, Fatal},
		{400, `{"errors":[{"message":"AiError: AiError: Invalid data for image (e06dfc06-1)","code":8006}],"success":false,"result":{},"messages":[]}`, 8006, Fatal},
		{400, envelope(3039, "lora"), 3039, Fatal},
		{405, envelope(5005, "lora"), 5005, Fatal},
		{400, envelope(3030, "filter"), 3030, Fatal},
		{400, envelope(5025, "no JSON mode"), 5025, Next},
		{410, `{"errors":[{"code":"5028","message":"a code in quotes"}],"result":[]}`, 5028, Next},
		{400, `{"errors":[{"message":"AiError: 5028: This model was deprecated on 2026-05-30"}]}`, 5028, Next},
		{429, `{"success":false,"result":[],"messages":[],"error":[{"code":2003,"message":"Rate limited"}],"name":"AiGatewayError","httpCode":429,"internalCode":2003}`, 2003, Retry},
		{429, `{"error":[{"code":2045,"message":"Spend limit"}]}`, 2045, Fatal},
		{402, `{"error":[{"code":2021,"message":"No credits"}]}`, 2021, Next},
		{504, `{"error":[{"code":2014,"message":"Provider timeout"}]}`, 2014, Retry},
		{400, `{"error":[{"code":2008,"message":"Invalid provider"}]}`, 2008, Fatal},
		{404, `{"error":[{"code":7003,"message":"Unknown model"}]}`, 7003, Next},
		{401, `{"error":{"message":"Incorrect API key","type":"invalid_request_error","code":"invalid_api_key"}}`, 0, Fatal},
		{404, `{"error":{"message":"model 'x' not found"}}`, 0, Next},
		{429, `{"error":"slow down"}`, 0, Retry},
		{429, page, 1015, Retry},
		{429, "error code: 1015", 1015, Retry},
		{502, "<html>Bad gateway</html>", 0, Retry},
		{503, "", 0, Retry},
		{403, "<html>Forbidden</html>", 0, Fatal},
		{402, "", 0, Next},
		{410, "", 0, Next},
		{413, "", 0, TooLong},
		{418, `{"errors":[]}`, 0, Fatal},
		{302, "", 0, Fatal},
		{500, envelope(99999, "unheard of"), 99999, Retry},
		{400, `{"errors":[null]}`, 0, Fatal},
		{400, `{"errors":["only words"]}`, 0, Fatal},
	} {
		e := c.errorOf("@cf/m", tc.status, http.Header{}, []byte(tc.body))
		if e.Class != tc.class || e.Code != tc.code || e.Status != tc.status {
			t.Errorf("HTTP %d %.120s: got class %v, code %d, status %d", tc.status, tc.body, e.Class, e.Code, e.Status)
		}
		if e.Public() == "" || e.Message == "" || strings.Contains(e.Message, "<") {
			t.Errorf("HTTP %d %.60s: message %q, public %q", tc.status, tc.body, e.Message, e.Public())
		}
		if errors.Is(e, ErrTooLong) != (tc.class == TooLong) || e.TooLong() != (tc.class == TooLong) {
			t.Errorf("HTTP %d %.60s: errors.Is ErrTooLong is wrong", tc.status, tc.body)
		}
	}
}

func TestErrorsHideTokenAndAccount(t *testing.T) {
	o := &otherSide{answer: func(w http.ResponseWriter, r *http.Request, _ received, _ int) {
		fail(w, 404, envelope(7003, "Could not route to "+r.URL.Path+" with "+r.Header.Get("Authorization")))
	}}
	a := stream(t.Context(), onLoopback(t, o, Options{}), hello)
	var e *Error
	if !errors.As(a.err, &e) || e.Code != 7003 {
		t.Fatalf("got %v", a.err)
	}
	var refused answer
	synctest.Test(t, func(t *testing.T) { // virtual time for the pauses between attempts
		refused = stream(t.Context(), newClient(t, Options{HTTPClient: &http.Client{Transport: refuses{}}}), hello)
	})
	if refused.err == nil {
		t.Fatal("a connection that fails gave no error")
	}
	for _, err := range []error{a.err, refused.err} {
		for _, text := range []string{err.Error(), agent.Explain(err), fmt.Sprintf("%+v", err)} {
			if strings.Contains(text, testToken) || strings.Contains(text, testAccount) {
				t.Errorf("secret in %q", text)
			}
		}
	}
}

// refuses fails like a connection does, with more in its words than it should.
type refuses struct{}

func (refuses) RoundTrip(r *http.Request) (*http.Response, error) {
	return nil, fmt.Errorf("cannot reach %s with %s", r.URL, r.Header.Get("Authorization"))
}

func TestRetryAfterIsReadAsSecondsOrDate(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, " 1.5 ": 1500 * time.Millisecond, "-3": 0, "nonsense": 0, "1e99": 24 * time.Hour,
		"Wed, 21 Oct 2015 07:28:00 GMT": 0,
	} {
		if got := retryAfter(in); got != want {
			t.Errorf("retryAfter(%q) = %v, want %v", in, got, want)
		}
	}
	in := time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)
	if got := retryAfter(in); got < 50*time.Minute || got > time.Hour {
		t.Errorf("retryAfter of a date in an hour = %v", got)
	}
}

func TestRoomForIsReadFromTheWords(t *testing.T) {
	for _, tc := range []struct {
		message string
		max     int
		want    int
	}{
		{"The estimated number of input and maximum output tokens (25000) exceeded this model context window limit (24000)", 4096, 3032},
		{"The estimated number of input and maximum output tokens (35000) exceeded this model context window limit (24000)", 4096, 0},
		{"This model's maximum context length is 8192 tokens. However, you requested 9000 tokens (5000 in the messages, 4000 in the completion).", 4000, 3128},
		{"Requested token count exceeds the model's maximum context length of 256000 tokens. You requested a total of 257000 tokens: 1", 4096, 3032},
		{"too long", 4096, 0},
		{"(99999999999999999999) exceeded this model context window limit (24000)", 4096, 0},
		{"(100) exceeded this model context window limit (24000)", 4096, 0},
	} {
		if got := roomFor(tc.message, tc.max); got != tc.want {
			t.Errorf("%s: got %d, want %d", tc.message, got, tc.want)
		}
	}
}
