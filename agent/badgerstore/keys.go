package badgerstore

import (
	"encoding/binary"

	"bobbin/agent"
)

func key(kind string, s agent.SessionID) []byte { return append([]byte(kind), s...) }

// within is the prefix of all keys of one kind that a session has.
func within(kind string, s agent.SessionID) []byte { return append(key(kind, s), 0) }

func inboxKey(s agent.SessionID, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(within("i/", s), seq)
}

func seenKey(kind, platform, id string) []byte {
	return []byte("d/" + kind + "/" + platform + "\x00" + id)
}

func stepKey(s agent.SessionID, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(append(within("j/", s), 'e'), seq)
}

func callKey(s agent.SessionID, id string) []byte { return append(append(within("j/", s), 'c'), id...) }

func partKey(s agent.SessionID, k string) []byte { return append(append(within("j/", s), 'p'), k...) }

func partsOf(s agent.SessionID) []byte { return append(within("j/", s), 'p') }

func outcomeKey(s agent.SessionID) []byte { return append(within("j/", s), 'o') }

func entriesOf(s agent.SessionID, generation uint64) []byte {
	return binary.BigEndian.AppendUint64(within("m/", s), generation)
}

func entryKey(s agent.SessionID, generation, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(entriesOf(s, generation), seq)
}

// lastKey is for the turn of a session that was committed last.
func lastKey(s agent.SessionID) []byte { return key("l/", s) }

func deadKey(id agent.TurnID) []byte { return append([]byte("x/t/"), id...) }

// unanswered is the prefix of what an abandoned turn should have answered.
func unanswered(id agent.TurnID) []byte { return append(append([]byte("x/i/"), id...), 0) }

func unansweredKey(id agent.TurnID, n int) []byte {
	return binary.BigEndian.AppendUint64(unanswered(id), uint64(n)) //nolint:gosec // an index
}
