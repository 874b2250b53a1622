package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"
	"time"

	"bobbin/agent"
	"bobbin/agent/badgerstore"
)

// desk is where the command line asks about data and has something done with it. Only one
// process can have the data open, so it is the running daemon's if there is one.
type desk interface {
	backup(ctx context.Context, w io.Writer) error
	turns(ctx context.Context, failed bool) ([]turnLine, error)
	show(ctx context.Context, id agent.TurnID) (turnStory, error)
	retry(ctx context.Context, id agent.TurnID) error
	Close() error
}

// turnLine is what the command line shows of a turn.
type turnLine struct {
	ID       agent.TurnID    `json:"id,omitempty"` // empty: none has begun
	At       time.Time       `json:"at"`
	Session  agent.SessionID `json:"session"`
	State    string          `json:"state"` // of one that failed: why
	Attempt  int             `json:"attempt,omitempty"`
	Messages int             `json:"messages"` // to be answered
	Said     string          `json:"said,omitempty"`
}

// turnStory is all of a turn that was given up.
type turnStory struct {
	turnLine
	Inbound []agent.Inbound `json:"inbound"`
	Text    string          `json:"text"` // of the answer, as far as it came
}

// atDesk does something with the data of the configuration in a file.
func atDesk(c console, config string, do func(desk) error) (err error) {
	cfg, err := LoadConfig(config)
	if err != nil {
		return err
	}
	d, err := openDesk(c.ctx, cfg, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	return do(d)
}

// openDesk finds who has the data of a configuration.
func openDesk(ctx context.Context, cfg Config, c console) (desk, error) {
	remote, err := dialControl(ctx, cfg.DataDir)
	if err == nil {
		return remote, nil
	}
	if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ECONNREFUSED) && !errors.Is(err, errLongPath) {
		return nil, fmt.Errorf("ask the running daemon: %w: run this as the user that it runs as", err)
	}
	if there, err := badgerstore.Exists(cfg.DataDir); err != nil {
		return nil, err
	} else if !there {
		return nil, usageError{fmt.Errorf("there is no data in data_dir %s, and no daemon runs there", cfg.DataDir)}
	}
	store, err := badgerstore.Open(cfg.DataDir, badgerstore.Options{Log: newLog(LogConfig{Level: "warn", Format: cfg.Log.Format}, c.stderr)})
	if errors.Is(err, badgerstore.ErrLocked) {
		return nil, fmt.Errorf("%w; it cannot be asked, because it has no control socket (yet)", err)
	}
	if err != nil {
		return nil, err
	}
	return storeDesk{store, func(agent.SessionID, int) {}}, nil
}

// storeDesk is the data itself.
type storeDesk struct {
	*badgerstore.Store
	retried func(s agent.SessionID, messages int) // told what is in a session's inbox again
}

func (d storeDesk) backup(ctx context.Context, w io.Writer) error { return d.Backup(ctx, w) }

func (d storeDesk) turns(ctx context.Context, failed bool) (lines []turnLine, err error) {
	if failed {
		for dead, err := range d.Abandoned(ctx) {
			if err != nil {
				return nil, err
			}
			lines = append(lines, lineOf(dead))
		}
		return lines, nil
	}
	for work, err := range d.Unfinished(ctx) {
		if err != nil {
			return nil, err
		}
		line := turnLine{ID: work.Turn, At: work.Since, Session: work.Session, Attempt: work.Attempt, Messages: work.Messages, Said: firstWords(work.First.Text)}
		switch {
		case work.Turn == "":
			line.State = "waiting"
		case work.Answered:
			line.State = "answered, not yet delivered"
		default:
			line.State = "under way"
		}
		lines = append(lines, line)
	}
	return lines, nil
}

func lineOf(dead badgerstore.Dead) turnLine {
	line := turnLine{ID: dead.ID, At: dead.At, Session: dead.Session, State: dead.Why, Attempt: dead.Attempt, Messages: len(dead.Inbound)}
	if len(dead.Inbound) > 0 {
		line.Said = firstWords(dead.Inbound[0].Text)
	}
	return line
}

func (d storeDesk) show(ctx context.Context, id agent.TurnID) (turnStory, error) {
	for dead, err := range d.Abandoned(ctx) {
		if err != nil {
			return turnStory{}, err
		}
		if dead.ID == id {
			for i := range dead.Inbound {
				dead.Inbound[i].Files = nil // whose addresses are secrets, perhaps
			}
			return turnStory{lineOf(dead), dead.Inbound, dead.Text}, nil
		}
	}
	return turnStory{}, fmt.Errorf("show turn %s: %w", id, badgerstore.ErrNoSuchTurn)
}

func (d storeDesk) retry(ctx context.Context, id agent.TurnID) error {
	session, n, err := d.Retry(ctx, id)
	if n > 0 || err == nil {
		d.retried(session, n)
	}
	return err
}
