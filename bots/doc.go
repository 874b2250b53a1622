// Package bots holds what every chat platform shares: what an event and an address
// are, what a platform must be able to do, which messages are for bobbin, and the
// commands. Each platform lives in a folder of its own; its client library's types
// do not leave it.
package bots
