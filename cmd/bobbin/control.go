package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"bobbin/agent"
	"bobbin/agent/badgerstore"
)

// socketName is the file in the data directory where a daemon is reached by the command
// line. Unlike the address of admin.listen, nobody but its user can connect to it, so it
// may hand out what people said.
const socketName = "bobbin.sock"

// maxSocketPath is the shortest that systems allow for the path of a socket.
const maxSocketPath = 103

// control serves the commands that need a running daemon's data.
type control struct {
	desk     desk
	log      *slog.Logger
	listener net.Listener
	server   *http.Server
	busy     sync.RWMutex // read-locked by requests, and locked for ever when they may be no more
}

// listenControl makes the socket of a data directory that this process has locked: one
// that is there was left by a process that is gone.
func listenControl(ctx context.Context, dir string, d desk, log *slog.Logger) (*control, error) {
	path, err := socketPath(dir)
	if err != nil {
		return nil, err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("remove an old socket: %w", err)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	c := &control{desk: d, log: log, listener: l}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /backup", c.backup)
	mux.HandleFunc("GET /turns", func(w http.ResponseWriter, r *http.Request) { c.turns(w, r, false) })
	mux.HandleFunc("GET /turns/failed", func(w http.ResponseWriter, r *http.Request) { c.turns(w, r, true) })
	mux.HandleFunc("GET /turns/failed/{id}", c.show)
	mux.HandleFunc("POST /turns/{id}/retry", c.retry)
	c.server = &http.Server{Handler: c.whileOpen(mux), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, IdleTimeout: time.Minute}
	return c, nil
}

// errLongPath means that there can be no socket.
var errLongPath = errors.New("the path is too long for a socket")

func socketPath(dir string) (string, error) {
	path := filepath.Join(dir, socketName)
	if len(path) > maxSocketPath {
		return "", fmt.Errorf("%w: %s has %d bytes, at most %d are allowed", errLongPath, path, len(path), maxSocketPath)
	}
	return path, nil
}

// whileOpen keeps requests from outliving run: after it the store is closed.
func (c *control) whileOpen(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !c.busy.TryRLock() {
			answer(w, http.StatusServiceUnavailable, map[string]string{"error": "the daemon is stopping"})
			return
		}
		defer c.busy.RUnlock()
		next.ServeHTTP(w, r)
	})
}

// run serves until ctx ends and no request is left. A backup that is being written then is
// cut off, which its reader finds out.
func (c *control) run(ctx context.Context) error {
	served := make(chan error, 1)
	go func() { served <- c.server.Serve(c.listener) }()
	var err error
	select {
	case err = <-served:
		err = fmt.Errorf("control socket: %w", err)
	case <-ctx.Done():
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if c.server.Shutdown(last) != nil {
			err = c.server.Close()
		}
		<-served //nolint:errcheck // as it does when it is shut down
	}
	c.busy.Lock()
	return err
}

// close frees the socket of a control that never ran.
func (c *control) close() error {
	if err := c.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

func (c *control) backup(w http.ResponseWriter, r *http.Request) {
	c.log.InfoContext(r.Context(), "a backup is being written")
	w.Header().Set("Content-Type", "application/octet-stream")
	if err := c.desk.backup(r.Context(), w); err != nil {
		c.log.ErrorContext(r.Context(), "a backup was cut off", "error", err)
		panic(http.ErrAbortHandler) // the status is gone already
	}
}

func (c *control) turns(w http.ResponseWriter, r *http.Request, failed bool) {
	lines, err := c.desk.turns(r.Context(), failed)
	if err != nil {
		refuse(w, err)
		return
	}
	answer(w, http.StatusOK, lines)
}

func (c *control) show(w http.ResponseWriter, r *http.Request) {
	story, err := c.desk.show(r.Context(), agent.TurnID(r.PathValue("id")))
	if err != nil {
		refuse(w, err)
		return
	}
	answer(w, http.StatusOK, story)
}

func (c *control) retry(w http.ResponseWriter, r *http.Request) {
	if err := c.desk.retry(r.Context(), agent.TurnID(r.PathValue("id"))); err != nil {
		refuse(w, err)
		return
	}
	answer(w, http.StatusOK, struct{}{})
}

func refuse(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	if errors.Is(err, badgerstore.ErrNoSuchTurn) {
		status = http.StatusNotFound
	}
	answer(w, status, map[string]string{"error": err.Error()})
}

// decodeAnswer reads a control's answer.
func decodeAnswer(res *http.Response, into any) error {
	if res.StatusCode == http.StatusOK {
		if into == nil {
			return nil
		}
		return json.NewDecoder(res.Body).Decode(into)
	}
	var said struct{ Error string }
	if err := json.NewDecoder(res.Body).Decode(&said); err != nil || said.Error == "" {
		return fmt.Errorf("the daemon answers %s", res.Status)
	}
	return errors.New(said.Error)
}
