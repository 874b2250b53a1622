package bots

import (
	"strings"

	"bobbin/agent"
)

// partDigits are in the order of their bytes, so that keys sort as they were made.
const partDigits = "234567ABCDEFGHIJKLMNOPQRSTUVWXYZ"

// PartKey is the key of a turn's nth message, from 1 to 32,767, in the form that
// agent.Part asks for.
func PartKey(turn agent.TurnID, n int) string {
	return string(turn) + "-" + string([]byte{partDigits[n>>10&31], partDigits[n>>5&31], partDigits[n&31]})
}

// PartNumber returns the n of a PartKey, and 0 for anything else.
func PartNumber(key string) (n int) {
	_, digits, ok := strings.Cut(key, "-")
	if !ok || len(digits) != 3 {
		return 0
	}
	for i := range len(digits) {
		d := strings.IndexByte(partDigits, digits[i])
		if d < 0 {
			return 0
		}
		n = n<<5 | d
	}
	return n
}
