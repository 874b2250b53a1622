package main

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"bobbin/bots/sandbox"
)

// tortureAnswer is what each message is answered with. Its end tells a whole answer.
const tortureAnswer = "Answer to msg-%s. It comes in a few words, so that there is something to stream to the end of %[1]s."

// tortureHello is what everything else is answered with.
const tortureHello = "Nothing was asked."

var (
	tortureAsked    = regexp.MustCompile(`msg-(\d+) please`)
	tortureAnswered = regexp.MustCompile(`Answer to msg-(\d+)\. It comes in a few words, so that there is something to stream to the end of (\d+)\.`)
)

// model answers each message of the turn by its number. Three turns of seven first call
// the tool with a side effect, and three others have last words.
func (w *tortureWorld) model(_ context.Context, r sandbox.AIRequest) sandbox.AIReply {
	var asked []string
	var calls strings.Builder // of all turns: an answer that is tried again makes none twice
	for _, m := range r.Messages {
		switch m.Role {
		case "user":
			for _, id := range tortureAsked.FindAllStringSubmatch(m.Text(), -1) {
				asked = append(asked, id[1])
			}
		case "assistant":
			if len(m.Calls()) == 0 {
				asked = nil
			}
			for _, c := range m.Calls() {
				fmt.Fprintln(&calls, c.Args)
			}
		}
	}
	if len(asked) == 0 {
		return sandbox.AISays(tortureHello)
	}
	var b strings.Builder
	for _, id := range asked {
		if id == strconv.Itoa(w.poison) && w.executioner.strike(killByPoison) {
			return sandbox.AIFails(http.StatusBadGateway, 0, "nobody is there to hear this")
		}
		fmt.Fprintf(&b, tortureAnswer+"\n\n", id)
	}
	last := asked[len(asked)-1]
	n, _ := strconv.Atoi(last) // digits; one that is too long is as good as any
	call := fmt.Sprintf(`{"what":"msg-%s"}`, last)
	if n%7 >= 1 && n%7 <= 3 && r.Offers("record") && !strings.Contains(calls.String(), call) {
		return sandbox.AICalling(sandbox.AICall{Name: "record", Args: call})
	}
	reply := sandbox.AISays(b.String())
	reply.Pace = 2 * time.Millisecond
	if n%7 >= 4 {
		reply.Finish = "length"
	}
	return reply
}

// effect is the tool's side effect.
func (w *tortureWorld) effect(_ http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	w.effects[r.URL.Query().Get("is")]++
	w.mu.Unlock()
	if w.executioner.strike(killInCall) {
		panic(http.ErrAbortHandler)
	}
}
