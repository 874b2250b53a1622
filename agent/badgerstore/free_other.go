//go:build !linux && !darwin && !freebsd

package badgerstore

import (
	"errors"
	"fmt"
	"runtime"
)

// Free is not known on this system, so there is no floor on it.
func Free(string) (uint64, error) {
	return 0, fmt.Errorf("free space on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}
