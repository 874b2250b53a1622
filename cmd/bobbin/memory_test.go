package main

import (
	"bobbin/agent/badgerstore"
	"bobbin/bots"
)

// An adapter looks for this ability when it runs, and does with less without it.
var _ bots.Directory = (*badgerstore.Store)(nil)
