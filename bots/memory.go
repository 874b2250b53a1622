package bots

import (
	"context"
	"time"

	"bobbin/agent"
)

// Memory is what an adapter needs to know of earlier runs to find what it has missed.
type Memory interface {
	// Heard returns the time up to which the platform's events are known to have
	// arrived; zero if nothing ever did. A platform may keep further times, under names
	// that begin with its own.
	Heard(ctx context.Context, platform string) (time.Time, error)
	// SetHeard moves that time. An earlier one than is stored changes nothing.
	SetHeard(ctx context.Context, platform string, t time.Time) error
	// Active lists the places of the platform's sessions in which something was accepted
	// since then, the latest first.
	Active(ctx context.Context, platform string, since time.Time) ([]agent.Address, error)
}

// Directory is a Memory that also keeps where people write to bobbin alone, for a platform
// that does not list such channels.
type Directory interface {
	Memory
	// AddDirect keeps a channel for a year from now.
	AddDirect(ctx context.Context, platform, channel string) error
	// Directs lists what AddDirect keeps, the latest added first.
	Directs(ctx context.Context, platform string) ([]string, error)
}
