package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"bobbin/agent/badgerstore"
)

type restoreCmd struct {
	File   string `arg:"" help:"The backup."`
	Config string `help:"The configuration, which names the data_dir to restore into." default:"config.yaml" placeholder:"FILE"`
}

// Run makes a backup the data of a daemon that does not run and has none.
func (cmd restoreCmd) Run(c console) (err error) {
	cfg, err := LoadConfig(cmd.Config)
	if err != nil {
		return err
	}
	f, err := os.Open(cmd.File)
	if err != nil {
		return usageError{fmt.Errorf("restore: %w", err)}
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := noDaemon(c.ctx, cfg.DataDir); err != nil {
		return err
	}
	// Restore finds all faults too, but only once it has written what comes before.
	has, err := badgerstore.Inspect(c.ctx, f)
	if err != nil {
		return err
	}
	if _, err := f.Seek(0, 0); err != nil {
		return err
	}
	if err := badgerstore.Restore(c.ctx, f, cfg.DataDir); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.stdout, "%s has the %d records of %s, read back and complete\n", cfg.DataDir, has.Records, cmd.File)
	return err
}

// noDaemon refuses a directory that a daemon uses. The socket of one that was killed is
// removed, if nothing else of it is there.
func noDaemon(ctx context.Context, dir string) error {
	d, err := dialControl(ctx, dir)
	if err == nil {
		running := fmt.Errorf("restore: a daemon runs with data_dir %s: stop it, and move its data away", dir)
		return usageError{errors.Join(running, d.Close())}
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return nil
	}
	if there, err := badgerstore.Exists(dir); err != nil || there {
		return err // which Restore refuses
	}
	path, err := socketPath(dir)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the socket of a daemon that is gone: %w", err)
	}
	return nil
}
