package discord

import "sync"

// recent is a bounded memory: it holds at least the last n values that were put in
// or asked for, and at most twice as many.
type recent[V any] struct {
	mu       sync.Mutex
	n        int
	now, old map[string]V
}

func newRecent[V any](n int) *recent[V] {
	return &recent[V]{n: n, now: make(map[string]V)}
}

func (r *recent[V]) get(key string) (V, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if v, ok := r.now[key]; ok {
		return v, true
	}
	v, ok := r.old[key]
	if ok {
		r.set(key, v)
	}
	return v, ok
}

func (r *recent[V]) put(key string, v V) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.set(key, v)
}

func (r *recent[V]) drop(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.now, key)
	delete(r.old, key)
}

// set puts key into the young half; when that is full, the old half is forgotten.
func (r *recent[V]) set(key string, v V) {
	if len(r.now) >= r.n {
		r.old, r.now = r.now, make(map[string]V)
	}
	r.now[key] = v
}
