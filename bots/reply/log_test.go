package reply

import (
	"bytes"
	"log/slog"
	"testing"
)

func TestLogOfAReplySaysWhatWithWouldSay(t *testing.T) {
	var lines [2]bytes.Buffer
	attrs := []slog.Attr{slog.String("session", "s"), slog.String("turn", "t")}
	for i := range lines {
		plain := slog.NewTextHandler(&lines[i], &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey && len(groups) == 0 {
				return slog.Attr{}
			}
			return a
		}})
		log := slog.New(plain).With("session", "s", "turn", "t")
		if i == 1 {
			log = slog.New(&logOf{Handler: plain, attrs: attrs})
		}
		log.Debug("not enabled")
		log.Info("a", "b", 1)
		log.With("c", 2).Warn("d", "e", 3)
		log.WithGroup("g").Error("f", "h", 4)
	}
	if with, later := lines[0].String(), lines[1].String(); with != later || with == "" {
		t.Errorf("With logs\n%s\na reply logs\n%s", with, later)
	}
}
