package badgerstore

import (
	"slices"

	"bobbin/agent"
	"bobbin/agent/quickjson"
)

// parseEntry is json.Unmarshal for entries as this package writes them, at a fraction of
// its cost: a turn reads hundreds of them. It reports false for all that it does not
// understand, which then is json.Unmarshal's to judge; what it does understand, it reads
// as that would.
func parseEntry(b []byte, e *agent.Entry) bool {
	r := quickjson.Reader{B: b}
	for key := r.Open(); key != nil; key = r.Next() {
		switch string(key) {
		case "role":
			e.Role = agent.Role(r.Text())
		case "at":
			r.Bad = e.At.UnmarshalText(r.Plain()) != nil || r.Bad
		case "text":
			e.Text = r.Text()
		case "author":
			e.Author = parseAuthor(&r, e.Author)
		case "direct":
			e.Direct = r.Truth()
		case "file_id":
			e.FileID = r.Text()
		case "calls":
			e.Calls = parseCalls(&r, e.Calls)
		case "model":
			e.Model = r.Text()
		case "usage":
			r.Bad = r.Bad || e.Usage != nil // what a second one adds is not known here
			e.Usage = new(agent.Usage)
			parseUsage(&r, e.Usage)
		case "turn":
			e.Turn = agent.TurnID(r.Text())
		case "call_id":
			e.CallID = r.Text()
		case "tool":
			e.Tool = r.Text()
		case "failed":
			e.Failed = r.Truth()
		default:
			r.Bad = true
		}
	}
	return r.Done()
}

func parseAuthor(r *quickjson.Reader, before *agent.Author) *agent.Author {
	r.Bad = r.Bad || before != nil
	a := new(agent.Author)
	for key := r.Open(); key != nil; key = r.Next() {
		switch string(key) {
		case "id":
			a.ID = r.Text()
		case "name":
			a.Name = r.Text()
		default:
			r.Bad = true
		}
	}
	return a
}

func parseCalls(r *quickjson.Reader, calls []agent.ToolCall) []agent.ToolCall {
	r.Bad = r.Bad || calls != nil
	for r.Expect('['); !r.Bad; r.Expect(',') {
		var c agent.ToolCall
		for key := r.Open(); key != nil; key = r.Next() {
			switch string(key) {
			case "id":
				c.ID = r.Text()
			case "name":
				c.Name = r.Text()
			case "args":
				r.Bad = r.Bad || c.Args != nil
				c.Args = slices.Clone(r.Object())
			default:
				r.Bad = true
			}
		}
		if calls = append(calls, c); r.At() == ']' {
			r.I++
			break
		}
	}
	return calls
}

func parseUsage(r *quickjson.Reader, u *agent.Usage) {
	for key := r.Open(); key != nil; key = r.Next() {
		switch string(key) {
		case "input":
			u.Input = r.Integer()
		case "cached":
			u.Cached = r.Integer()
		case "output":
			u.Output = r.Integer()
		case "neurons":
			u.Neurons = r.Number()
		default:
			r.Bad = true
		}
	}
}

// parseHead is to heads what parseEntry is to entries: each message that is accepted needs
// one. ok is false, too, for one that lacks what each has.
func parseHead(b []byte) (h head, ok bool) {
	r := quickjson.Reader{B: b}
	has := 0
	for key := r.Open(); key != nil; key = r.Next() {
		switch string(key) {
		case "generation":
			h.Generation = uint64(r.Integer()) //nolint:gosec // it has no sign
			has |= 1
		case "next":
			h.Next = uint64(r.Integer()) //nolint:gosec // it has no sign
			has |= 2
		case "model":
			h.Model = r.Text()
		case "spent":
			parseSpent(&r, &h.Spent)
		case "ended":
			h.Ended = int64(r.Integer())
		default:
			r.Bad = true
		}
	}
	return h, r.Done() && has == 3
}

func parseSpent(r *quickjson.Reader, s *spent) {
	for key := r.Open(); key != nil; key = r.Next() {
		switch string(key) {
		case "turns":
			s.Turns = r.Integer()
		case "usage":
			parseUsage(r, &s.Usage)
		default:
			r.Bad = true
		}
	}
}
