package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// datasync makes what was written to f durable, in the cheapest way there is.
func datasync(f *os.File) error { return unix.Fdatasync(int(f.Fd())) }

// processorTime is what this process has used.
func processorTime() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// idleTime is how long processors have had nothing to do since the machine started, and how
// long all of them have run, in ticks.
func idleTime() (idle, all float64) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0
	}
	line, _, _ := strings.Cut(string(b), "\n")
	for i, field := range strings.Fields(line) {
		ticks, err := strconv.ParseFloat(field, 64)
		if err != nil {
			continue // the name of the line
		}
		if all += ticks; i == 4 || i == 5 { // idle, and waiting for a disk
			idle += ticks
		}
	}
	return idle, all
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
