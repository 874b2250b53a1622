package attach

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"strings"
	"time"

	"bobbin/agent"
	"bobbin/bots"
)

// The defaults of Options.
const (
	DefaultMaxBytes = 10 << 20
	DefaultMaxChars = 50_000
	DefaultTimeout  = 90 * time.Second
)

// atOnce bounds how many files are held in memory, in all conversations together.
const atOnce = 4

// Converter makes Markdown of a document. The extension of name and mimeType say which
// kind it is. An error with a sentence for the sender is [agent.Public].
type Converter interface {
	Markdown(ctx context.Context, name, mimeType string, data []byte) (string, error)
}

// Transcriber writes down what is said in a recording; empty if nothing is. An error with
// a sentence for the sender is [agent.Public].
type Transcriber interface {
	Transcribe(ctx context.Context, audio []byte) (string, error)
}

// Options configures a Reader.
type Options struct {
	// Platforms are where files come from: those of them that are a [bots.Downloader].
	Platforms []bots.Platform
	// Converter is for documents; nil: they are left out, but for those that are text.
	Converter Converter
	// Transcriber is for recordings; nil: they are left out.
	Transcriber Transcriber
	// Pictures says that there is a model that sees; otherwise pictures are left out.
	Pictures bool
	MaxBytes int64         // of a file; 0: DefaultMaxBytes
	MaxChars int           // of its text that a model gets; 0: DefaultMaxChars
	Timeout  time.Duration // for one file; 0: DefaultTimeout
	Log      *slog.Logger  // nil: no log
}

// Reader is an [agent.FileReader]. It is safe for concurrent use.
type Reader struct {
	o      Options
	from   map[string]bots.Downloader
	held   chan struct{} // one for each file in memory
	decode chan struct{} // one picture at a time is unpacked
}

var _ agent.FileReader = (*Reader)(nil)

// New returns a Reader.
func New(o Options) *Reader {
	o.MaxBytes = cmp.Or(o.MaxBytes, DefaultMaxBytes)
	o.MaxChars = cmp.Or(o.MaxChars, DefaultMaxChars)
	o.Timeout = cmp.Or(o.Timeout, DefaultTimeout)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	r := &Reader{o: o, from: make(map[string]bots.Downloader), held: make(chan struct{}, atOnce), decode: make(chan struct{}, 1)}
	for _, p := range o.Platforms {
		if d, ok := p.(bots.Downloader); ok {
			r.from[p.Name()] = d
		}
	}
	return r
}

// RefusalError says why a file is left out, in one sentence that goes on after its name.
type RefusalError struct {
	Sentence string
	Err      error // what lies behind it; may be nil
}

var _ agent.Public = (*RefusalError)(nil)

// Is matches [agent.ErrLeftOut], unless there is something behind the refusal that may be
// no fault of the file's.
func (r *RefusalError) Is(target error) bool { return target == agent.ErrLeftOut && r.Err == nil }

func (r *RefusalError) Error() string {
	if r.Err == nil {
		return "the file is left out: " + r.Sentence
	}
	return "the file is left out: " + r.Sentence + " " + r.Err.Error()
}

// Unwrap returns what lies behind r.
func (r *RefusalError) Unwrap() error { return r.Err }

// Public returns the sentence.
func (r *RefusalError) Public() string { return r.Sentence }

func refuse(format string, args ...any) error {
	return &RefusalError{Sentence: fmt.Sprintf(format, args...)}
}

// errSlow is the cause of the end of a file's time.
var errSlow error = &RefusalError{Sentence: "reading it took too long.", Err: errors.New("its time was over")}

// Read implements [agent.FileReader]. Its errors are [agent.Public], but for those of ctx.
func (r *Reader) Read(ctx context.Context, to agent.Target, f agent.File) (agent.Content, error) {
	select {
	case r.held <- struct{}{}:
		defer func() { <-r.held }()
	case <-ctx.Done():
		return agent.Content{}, context.Cause(ctx)
	}
	bounded, cancel := context.WithTimeoutCause(ctx, r.o.Timeout, errSlow)
	defer cancel()
	c, err := r.read(bounded, to, f)
	switch {
	case err == nil:
		return c, nil
	case ctx.Err() != nil:
		return agent.Content{}, context.Cause(ctx)
	case bounded.Err() != nil:
		return agent.Content{}, errSlow
	}
	if _, ok := errors.AsType[agent.Public](err); !ok {
		err = &RefusalError{Sentence: "it could not be read.", Err: err}
	}
	return agent.Content{}, err
}

func (r *Reader) read(ctx context.Context, to agent.Target, f agent.File) (c agent.Content, err error) {
	data, err := r.download(ctx, to, f)
	if err != nil {
		return c, err
	}
	kind := sniff(data, extension(f.Name), f)
	r.o.Log.DebugContext(ctx, "a file was fetched", "kind", kind.name(), "type", f.Type, "size", len(data))
	switch kind.class {
	case text:
		c.Text, err = decodeText(data)
	case markup:
		if c.Text, err = r.convert(ctx, kind, data); err != nil && ctx.Err() == nil {
			c.Text, err = decodeText(data)
		}
	case document:
		c.Text, err = r.convert(ctx, kind, data)
	case picture:
		return r.see(ctx, kind, data)
	case recording:
		c.Text, err = r.listen(ctx, data)
	default:
		err = refuse("%s", kind.why)
	}
	c.Text = cut(c.Text, r.o.MaxChars)
	return c, err
}

// maxAsks bounds how often a file is asked for that the platform asks to wait with.
const maxAsks = 3

func (r *Reader) download(ctx context.Context, to agent.Target, f agent.File) ([]byte, error) {
	from := r.from[to.Platform]
	switch {
	case from == nil:
		return nil, &RefusalError{Sentence: "I cannot fetch files here.", Err: fmt.Errorf("no downloads from %q", to.Platform)}
	case f.Size > r.o.MaxBytes:
		if why := hopeless(f); why != "" {
			return nil, refuse("%s", why) // a smaller one would not do either
		}
		return nil, refuse("it has %s, and I read no more than %s.", size(f.Size), size(r.o.MaxBytes))
	}
	for asks := 1; ; asks++ {
		data, err := from.Download(ctx, to, f, r.o.MaxBytes)
		wait, ok := errors.AsType[*bots.RetryAfterError](err)
		switch {
		case err == nil && len(data) == 0:
			return nil, refuse("it is empty.")
		case err == nil:
			return data, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case f.URL == "":
			return nil, &RefusalError{Sentence: "it is only a link to another place, and I fetch nothing from there.", Err: err}
		case !ok || asks == maxAsks:
			return nil, &RefusalError{Sentence: "it could not be fetched.", Err: err}
		}
		t := time.NewTimer(wait.After)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return nil, ctx.Err()
		}
	}
}

func (r *Reader) convert(ctx context.Context, k kind, data []byte) (string, error) {
	if r.o.Converter == nil {
		return "", refuse("I am set up to read text files, and not %s.", k.what)
	}
	// The name is not passed on: its extension is all that matters.
	md, err := r.o.Converter.Markdown(ctx, "document."+k.ext, k.mime, data)
	if err == nil && strings.TrimSpace(md) == "" {
		err = refuse("no text was found in it.")
	}
	return md, err
}

func (r *Reader) listen(ctx context.Context, data []byte) (string, error) {
	if r.o.Transcriber == nil {
		return "", refuse("I am not set up to listen to recordings.")
	}
	said, err := r.o.Transcriber.Transcribe(ctx, data)
	if err == nil && strings.TrimSpace(said) == "" {
		err = refuse("I heard nobody speak in it.")
	}
	return "It is a recording. This is what is said in it:\n" + said, err
}

// extension is that of a name, in lower case and without its dot.
func extension(name string) string {
	return strings.ToLower(strings.TrimPrefix(path.Ext(strings.TrimSpace(name)), "."))
}

// size is n bytes in words.
func size(n int64) string {
	switch {
	case n >= 1<<20:
		return strings.Replace(fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)), ".0 ", " ", 1)
	case n >= 1<<10:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d bytes", n)
}
