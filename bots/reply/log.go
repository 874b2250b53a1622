package reply

import (
	"context"
	"log/slog"
)

// logOf adds to what is logged what it is of. A handler's own WithAttrs formats that at
// once, and most replies have nothing to log.
type logOf struct {
	slog.Handler
	attrs []slog.Attr
}

// Handle implements slog.Handler.
func (h *logOf) Handle(ctx context.Context, r slog.Record) error {
	return h.Handler.WithAttrs(h.attrs).Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h *logOf) WithAttrs(more []slog.Attr) slog.Handler {
	return h.Handler.WithAttrs(h.attrs).WithAttrs(more)
}

// WithGroup implements slog.Handler.
func (h *logOf) WithGroup(name string) slog.Handler {
	return h.Handler.WithAttrs(h.attrs).WithGroup(name)
}
