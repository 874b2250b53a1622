package main

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// datasync makes what was written to f durable, in the cheapest way there is.
func datasync(f *os.File) error { return unix.Fdatasync(int(f.Fd())) } //nolint:gosec // a descriptor

// processorTime is what this process has used.
func processorTime() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// resident returns how much memory this process has, in bytes, and how much of that
// belongs to files that the system can drop and read again.
func resident() (all, files float64) {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, 0
	}
	var size, rss, shared float64
	if _, err := fmt.Sscan(string(b), &size, &rss, &shared); err != nil {
		return 0, 0
	}
	page := float64(os.Getpagesize())
	return rss * page, shared * page
}
