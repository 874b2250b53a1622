//go:build linux || darwin || freebsd

package badgerstore

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Free returns the bytes that the disk of dir has left for this user.
func Free(dir string) (uint64, error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return 0, fmt.Errorf("free space of %s: %w", dir, err)
	}
	// The fields' types differ between systems; FreeBSD's may be below zero when only
	// root has space left.
	return uint64(max(fs.Bavail, 0)) * uint64(fs.Bsize), nil //nolint:gosec // see above
}
