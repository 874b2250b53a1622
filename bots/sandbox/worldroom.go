package sandbox

import "slices"

// worldRoom holds the messages of one channel in order of posting. Each is found by
// its id at once, and so are the replies of a thread. A message that was handed out
// is never changed: an edit puts another in its place.
type worldRoom struct {
	list    []*Message // nil where one was deleted
	at      map[string]int
	gone    int              // entries of list that are nil
	threads map[string][]int // by root: the replies' places in list, deleted ones among them
}

func newWorldRoom() *worldRoom {
	return &worldRoom{at: make(map[string]int), threads: make(map[string][]int)}
}

func (r *worldRoom) get(id string) *Message {
	if r == nil {
		return nil
	}
	i, there := r.at[id]
	if !there {
		return nil
	}
	return r.list[i]
}

func (r *worldRoom) add(m *Message) {
	r.at[m.ID] = len(r.list)
	r.list = append(r.list, m)
	r.thread(m)
}

// thread notes that m is a reply, if it is one.
func (r *worldRoom) thread(m *Message) {
	if m.Thread != "" && m.Thread != m.ID {
		r.threads[m.Thread] = append(r.threads[m.Thread], r.at[m.ID])
	}
}

func (r *worldRoom) replace(m *Message) {
	at := r.at[m.ID]
	old := r.list[at]
	r.list[at] = m
	if old.Thread != m.Thread {
		r.threads[old.Thread] = slices.DeleteFunc(r.threads[old.Thread], func(i int) bool { return i == at })
		r.thread(m)
	}
}

// remove takes a message out and returns it, or nil.
func (r *worldRoom) remove(id string) *Message {
	m := r.get(id)
	if m == nil {
		return nil
	}
	r.list[r.at[id]] = nil
	delete(r.at, id)
	if r.gone++; r.gone > 32 && r.gone > len(r.list)/2 {
		r.pack()
	}
	return m
}

// pack forgets the deleted messages, so that they cost no more than those that stand.
func (r *worldRoom) pack() {
	r.list = slices.DeleteFunc(r.list, func(m *Message) bool { return m == nil })
	r.gone = 0
	clear(r.threads)
	for i, m := range r.list {
		r.at[m.ID] = i
		r.thread(m)
	}
}

func (r *worldRoom) all() []Message {
	if r == nil {
		return nil
	}
	out := make([]Message, 0, len(r.list)-r.gone)
	for _, m := range r.list {
		if m != nil {
			out = append(out, *m)
		}
	}
	return out
}

func (r *worldRoom) replies(root string) []Message {
	if r == nil {
		return nil
	}
	var out []Message
	for _, i := range r.threads[root] {
		if m := r.list[i]; m != nil {
			out = append(out, *m)
		}
	}
	return out
}
