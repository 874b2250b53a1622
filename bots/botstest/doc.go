// Package botstest holds the behaviour that every [bots.Platform] shares, as one suite.
package botstest
