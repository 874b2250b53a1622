// Package sandbox holds stand-ins of Slack, Discord and Workers AI that speak the
// services' wire formats on loopback, and a web page on which a person can be a
// user of both. The demo runs on it, and the tests of the whole program do.
package sandbox
