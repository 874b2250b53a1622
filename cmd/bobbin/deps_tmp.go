//go:build depstmp

package main

import (
	_ "code.dny.dev/ssrf"
	_ "codeberg.org/readeck/go-readability/v2"
	_ "github.com/JohannesKaufmann/html-to-markdown/v2"
	_ "github.com/alecthomas/kong"
	_ "github.com/bwmarrin/discordgo"
	_ "github.com/cenkalti/backoff/v5"
	_ "github.com/chromedp/chromedp"
	_ "github.com/dgraph-io/badger/v4"
	_ "github.com/google/go-cmp/cmp"
	_ "github.com/google/jsonschema-go/jsonschema"
	_ "github.com/gorilla/websocket"
	_ "github.com/prometheus/client_golang/prometheus/promhttp"
	_ "github.com/prometheus/client_golang/prometheus/testutil"
	_ "github.com/rogpeppe/go-internal/testscript"
	_ "github.com/slack-go/slack/socketmode"
	_ "github.com/yuin/goldmark"
	_ "go.uber.org/goleak"
	_ "go.yaml.in/yaml/v4"
	_ "golang.org/x/net/html"
	_ "golang.org/x/sync/errgroup"
	_ "golang.org/x/time/rate"
	_ "pgregory.net/rapid"
)
