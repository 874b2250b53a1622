//go:build !linux

package badgerstore

import "os"

// ownSync says that Badger makes each transaction durable: what a file's sync does to its
// memory maps is not known here.
const ownSync = false

type wal struct{}

func openWAL(string) (*wal, error) { return &wal{}, nil }

func (*wal) sync() error { return nil }

func (*wal) close() error { return nil }

func datasync(f *os.File) error { return f.Sync() }

func syncFiles(string) error { return nil }
