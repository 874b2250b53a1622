package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"bobbin/agent/badgerstore"
)

type backupCmd struct {
	File   string `arg:"" help:"The file to write. It will hold what people said, unencrypted."`
	Force  bool   `help:"Overwrite the file if it is there."`
	Config string `help:"The configuration." default:"config.yaml" placeholder:"FILE"`
}

// Run writes a backup of the data, also while a daemon runs. The file gets its name once it
// was read back and is complete.
func (cmd backupCmd) Run(c console) (err error) {
	cfg, err := LoadConfig(cmd.Config)
	if err != nil {
		return err
	}
	if err := cmd.mayWrite(); err != nil {
		return err
	}
	d, err := openDesk(c.ctx, cfg, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	has, err := writeBackup(c.ctx, d, cmd.File)
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	_, err = fmt.Fprintf(c.stdout, "%s has %d records in %d bytes, read back and complete\n", cmd.File, has.Records, has.Bytes)
	return err
}

// mayWrite looks before anything is done.
func (cmd backupCmd) mayWrite() error {
	info, err := os.Lstat(cmd.File)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return usageError{fmt.Errorf("backup: %w", err)}
	case !info.Mode().IsRegular():
		return usageError{fmt.Errorf("backup: %s is there and is no regular file", cmd.File)}
	case !cmd.Force:
		return usageError{fmt.Errorf("backup: %s is there already: name another file, or overwrite it with --force", cmd.File)}
	}
	return nil
}

// writeBackup writes path by way of a file beside it, which goes when something fails.
func writeBackup(ctx context.Context, d desk, path string) (has badgerstore.Contents, err error) {
	temp := path + ".tmp"
	// What a backup that was killed has left is in nobody's way; opened by name it might
	// have another mode, or be a link to elsewhere.
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return has, err
	}
	f, err := os.OpenFile(temp, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the admin names the file
	if err != nil {
		return has, err
	}
	defer func() {
		err = errors.Join(err, f.Close())
		if err != nil {
			err = errors.Join(err, os.Remove(temp))
			return
		}
		if err = os.Rename(temp, path); err == nil {
			err = syncDir(filepath.Dir(path))
		}
	}()
	if err := d.backup(ctx, f); err != nil {
		return has, err
	}
	if err := f.Sync(); err != nil {
		return has, err
	}
	if _, err := f.Seek(0, 0); err != nil {
		return has, err
	}
	return badgerstore.Inspect(ctx, f)
}

// syncDir makes the names in a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // the admin names the file
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
