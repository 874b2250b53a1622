//go:build !linux

package main

import (
	"os"
	"time"
)

func datasync(f *os.File) error { return f.Sync() }

// processorTime is not known here.
func processorTime() time.Duration { return 0 }

// idleTime is not known here.
func idleTime() (idle, all float64) { return 0, 0 }

// resident is not known here.
func resident() (all, files float64) { return 0, 0 }
