// Package agenttest holds what tests of the kernel and of its stores share: a scripted
// [Model], [Replies] that remember what was shown, and [StoreSuite], the behaviour that
// every agent.Store has.
//
// # Why
//
// Context: the kernel's promises (no answer twice, none lost, whatever is cut off) are
// kept half by the loop and half by the store under it.
//
// Decision: the store's half is one suite over the agent.Store interface, with a
// comparison against a small model in memory under random operations. The kernel's half is
// tested over a real store, with only the model and the chat platform scripted.
//
// Consequences: a second store has to pass the same suite and nothing else. The scripts
// are plain functions; there is nothing to expect or to verify besides what happened.
package agenttest
