package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"

	"bobbin/agent"
)

// remoteDesk is a running daemon's desk, over its control socket.
type remoteDesk struct {
	path   string
	client *http.Client
}

// dialControl connects to the daemon of a data directory. The error wraps fs.ErrNotExist,
// ECONNREFUSED or errLongPath if there is none, or none that can be reached.
func dialControl(ctx context.Context, dir string) (*remoteDesk, error) {
	path, err := socketPath(dir)
	if err != nil {
		return nil, err
	}
	d := &remoteDesk{path: path}
	conn, err := d.dial(ctx, "", "")
	if err != nil {
		return nil, err
	}
	d.client = &http.Client{Transport: &http.Transport{DialContext: d.dial, DisableCompression: true}}
	return d, conn.Close()
}

func (d *remoteDesk) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, "unix", d.path)
}

// Close lets go of connections.
func (d *remoteDesk) Close() error {
	d.client.CloseIdleConnections()
	return nil
}

func (d *remoteDesk) backup(ctx context.Context, w io.Writer) error {
	return d.ask(ctx, http.MethodPost, "/backup", func(res *http.Response) error {
		if res.StatusCode != http.StatusOK {
			return decodeAnswer(res, nil)
		}
		_, err := io.Copy(w, res.Body)
		return err
	})
}

func (d *remoteDesk) turns(ctx context.Context, failed bool) (lines []turnLine, err error) {
	path := "/turns"
	if failed {
		path += "/failed"
	}
	err = d.ask(ctx, http.MethodGet, path, func(res *http.Response) error { return decodeAnswer(res, &lines) })
	return lines, err
}

func (d *remoteDesk) show(ctx context.Context, id agent.TurnID) (s turnStory, err error) {
	err = d.ask(ctx, http.MethodGet, "/turns/failed/"+url.PathEscape(string(id)), func(res *http.Response) error { return decodeAnswer(res, &s) })
	return s, err
}

func (d *remoteDesk) retry(ctx context.Context, id agent.TurnID) error {
	return d.ask(ctx, http.MethodPost, "/turns/"+url.PathEscape(string(id))+"/retry", func(res *http.Response) error { return decodeAnswer(res, nil) })
}

func (d *remoteDesk) ask(ctx context.Context, method, path string, read func(*http.Response) error) (err error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://bobbin"+path, nil)
	if err != nil {
		return err
	}
	res, err := d.client.Do(req)
	if err != nil {
		return fmt.Errorf("ask the running daemon: %w", err)
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	if err := read(res); err != nil {
		return fmt.Errorf("the running daemon: %w", err)
	}
	return nil
}
