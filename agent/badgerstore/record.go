package badgerstore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/dgraph-io/badger/v4"

	"bobbin/agent"
)

// damagedError says that a stored value cannot be read.
type damagedError struct {
	key string
	err error
}

func (e *damagedError) Error() string { return "damaged record " + e.key + ": " + e.err.Error() }
func (e *damagedError) Unwrap() error { return e.err }

// damaged says that an item is damaged, if err is not nil.
func damaged(item *badger.Item, err error) error {
	if err == nil {
		return nil
	}
	return &damagedError{printable(item.Key()), err}
}

func set(txn *tx, k []byte, v any) error {
	b, err := marshal(v)
	if err != nil {
		return fmt.Errorf("encode %s: %w", printable(k), err)
	}
	return txn.Set(k, b)
}

// marshal is json.Marshal without the escapes that are for web pages: they would change
// the arguments of calls, and make markup six times as long.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// unmarshal is the inverse of marshal.
func unmarshal(b []byte, v any) error { return json.Unmarshal(b, v) }

func get(txn *tx, k []byte, v any) error {
	item, err := txn.Get(k)
	if err != nil {
		return err
	}
	return decode(item, v)
}

// decode reads a value. All that can keep it from that is damage, also of the file that
// the value is in.
func decode(item *badger.Item, v any) error {
	return damaged(item, item.Value(func(b []byte) error { return unmarshal(b, v) }))
}

// errImplausible says that a value can be read and cannot have been written.
var errImplausible = errors.New("it is not what is stored here")

// plausible is decode, for a value that ok recognizes as one that was written.
func plausible[T any](item *badger.Item, v *T, ok func(*T) bool) error {
	err := decode(item, v)
	if err == nil && !ok(v) {
		err = damaged(item, errImplausible)
	}
	return err
}

func decodeEntry(item *badger.Item, e *agent.Entry) error {
	err := item.Value(func(b []byte) error {
		if parseEntry(b, e) {
			return nil
		}
		*e = agent.Entry{}
		return unmarshal(b, e)
	})
	if err == nil && !plausibleEntry(e) {
		err = errImplausible
	}
	return damaged(item, err)
}

func plausibleEntry(e *agent.Entry) bool {
	switch e.Role {
	case agent.RoleUser, agent.RoleTool:
		return len(e.Calls) == 0
	case agent.RoleAssistant:
		return true
	}
	return false
}

func decodeInbound(item *badger.Item, in *agent.Inbound) error {
	return plausible(item, in, func(in *agent.Inbound) bool { return in.MessageID != "" && in.Target.Platform != "" })
}

func printable(k []byte) string {
	return strings.ToValidUTF8(strings.ReplaceAll(string(k), "\x00", " "), "?")
}

// valueFrame is more than what a key and Badger's own fields add to a value.
const valueFrame = 1 << 10

// encode returns the stored forms of entries and what they take of a transaction.
func encode(entries []agent.Entry) (values [][]byte, size int, err error) {
	values = make([][]byte, len(entries))
	for i, e := range entries {
		if values[i], err = marshal(e); err != nil {
			return nil, 0, fmt.Errorf("encode an entry: %w", err)
		}
		size += len(values[i]) + valueFrame
	}
	return values, size, nil
}
