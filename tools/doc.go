// Package tools makes an [agent.Tool] from a Go function and holds the built-in
// tools that need nothing but a processor. Tools with a world of their own, such as
// package tools/web, have a folder each.
//
// # Why
//
// Context: a model writes a tool's arguments as text. It forgets properties, invents
// others, sends null for what it does not need, and now and then puts the whole object
// into a string. What a tool answers stays in the conversation and is paid for on
// every later step.
//
// Decision: the schema that the model sees is inferred from the struct that the
// function takes, and the arguments are checked against it before the function runs.
// Whatever a better call could mend is a failed result that names the property and
// what it has to be. [Guard] stands in front of every tool, whoever made it: it catches
// panics and bounds the text.
//
// Consequences: a tool's function sees only arguments of the right shape. Small
// deviations that leave no doubt about what is meant are mended silently, which keeps
// a weak model from spending its steps on form. A tool whose struct lacks a description
// does not start.
package tools
