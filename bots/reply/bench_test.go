package reply

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"bobbin/agent"
	"bobbin/bots"
)

// instant is a platform that takes no time for anything.
type instant struct{ bots.Platform }

func (instant) Name() string                    { return "stage" }
func (instant) Budget(agent.Target) bots.Budget { return bots.Budget{} }
func (instant) Render(text string) []bots.Message {
	return []bots.Message{{Text: text, Plain: text, Source: text}}
}
func (instant) Post(context.Context, agent.Target, string, bots.Message) (agent.MessageID, error) {
	return "m", nil
}
func (instant) Edit(context.Context, agent.Target, agent.MessageID, bots.Message) error { return nil }
func (instant) Typing(context.Context, agent.Target, string) (time.Duration, error) {
	return time.Minute, nil
}

// nowhere is a journal that takes no time either.
type nowhere struct{}

func (nowhere) Record(context.Context, agent.Part) error { return nil }
func (nowhere) Settle(context.Context) error             { return nil }

// BenchmarkReply is the reply to an answer that comes all at once: what it costs beside the
// platform's and the journal's part.
func BenchmarkReply(b *testing.B) {
	on := New(Options{Buttons: true, Footer: Facts(), Log: slog.New(slog.NewTextHandler(nil, &slog.HandlerOptions{Level: slog.LevelInfo}))}, instant{})
	defer on.Close()
	var turns []*agent.Turn
	for i := range 1000 {
		turns = append(turns, turnOf(agent.TurnID(fmt.Sprintf("01KB4TXHPVBDQ8W0SP6YF%05d", i)), fmt.Sprint("C", i)))
	}
	words := strings.Repeat("word ", 40)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		r, err := on.Open(b.Context(), turns[n%len(turns)], nowhere{})
		if err != nil {
			b.Fatal(err)
		}
		r.Update(agent.Update{Status: agent.Thinking})
		for i := range 8 {
			r.Update(agent.Update{Text: words[:(i+1)*25]})
		}
		r.Update(agent.Update{Text: words, Ending: true})
		if err := r.Finish(b.Context(), agent.Outcome{Kind: agent.Answered, Text: words, Model: "@cf/x/model", Took: time.Second}); err != nil {
			b.Fatal(err)
		}
		r.Close()
	}
}
