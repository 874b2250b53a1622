package workersai

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"sync"

	"bobbin/agent"
)

const (
	maxLine     = 4 << 20
	maxStream   = 256 << 20 // padding and reasoning included
	maxDocument = 16 << 20
)

// Each answer under way has a reader, which is small: mostly there is one event to be read. A
// wide one stands in front of it for as long as more comes at once.
var (
	readers     = readerPool{sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 1<<10) }}}
	wideReaders = readerPool{sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 4<<10) }}}
)

type readerPool struct{ sync.Pool }

func (p *readerPool) get(from io.Reader) *bufio.Reader {
	r := p.Get().(*bufio.Reader) //nolint:errcheck // the pool holds nothing else
	r.Reset(from)
	return r
}

func (p *readerPool) put(r *bufio.Reader) {
	r.Reset(nil)
	p.Put(r)
}

// decode reads an answer and yields what it adds, the last chunk with Finish, or one
// error at its end. What the answer is, a stream of events or a document, is told by
// its first byte: the content type has been seen to lie.
func (d *decoder) decode(body io.Reader, w *watch) iter.Seq2[agent.Chunk, error] {
	return func(yield func(agent.Chunk, error) bool) {
		l := newLineReader(body)
		defer l.close()
		if err := d.read(l, w, yield); err != nil && !errors.Is(err, errBroken) {
			yield(agent.Chunk{}, err)
		}
	}
}

// errBroken says that the consumer wants no more.
var errBroken = errors.New("the consumer broke off")

func (d *decoder) read(l *lineReader, w *watch, yield func(agent.Chunk, error) bool) error {
	first, err := firstByte(l.r)
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return err
	case first == '{', first == '[':
		return d.document(&watched{l.r, w}, yield)
	}
	s := sse{d: d, w: w, yield: yield, lines: l}
	done, err := s.run()
	switch {
	case errors.Is(err, io.EOF), err != nil && d.finish != "" && !errors.Is(err, errBroken) && !isFault(err):
		// It may end without the closing mark once it has said why it ends.
	case err != nil:
		return err
	}
	return d.close("", done, yield)
}

func isFault(err error) bool {
	_, fault := errors.AsType[*faultError](err)
	return fault
}

// firstByte skips blanks and a byte order mark, and peeks at what follows.
func firstByte(r *bufio.Reader) (byte, error) {
	if bom, err := r.Peek(3); err == nil && string(bom) == "\ufeff" {
		_, _ = r.Discard(3)
	}
	for range maxLine {
		b, err := r.Peek(1)
		if err != nil {
			return 0, err
		}
		switch b[0] {
		case ' ', '\t', '\r', '\n':
			_, _ = r.Discard(1)
		default:
			return b[0], nil
		}
	}
	return 0, errTooMuch
}

// sse reads a stream of events.
type sse struct {
	d     *decoder
	w     *watch
	yield func(agent.Chunk, error) bool
	lines *lineReader

	pieces    []string // of text, that the consumer does not have yet
	name      string   // of the event that is being read
	broken    []byte   // its data lines that are no JSON by themselves
	lineCount int      // of broken
	reasoning bool
}

// run reads until the closing mark, which it reports, or an error, io.EOF included.
func (s *sse) run() (done bool, err error) {
	done, err = s.read()
	if broken := s.show(); broken != nil {
		return false, broken
	}
	return done, err
}

func (s *sse) read() (done bool, err error) {
	for {
		if !s.lines.ready() {
			// The consumer gets together what came together.
			if err := s.show(); err != nil {
				return false, err
			}
			s.w.resume(s.d.finish != "")
		}
		line, err := s.lines.next()
		if err != nil {
			if flushErr := s.flush(); flushErr != nil {
				err = flushErr
			}
			return false, err
		}
		field, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(field) {
		case "": // the end of the event, or a comment
			if len(line) == 0 {
				if err := s.flush(); err != nil {
					return false, err
				}
			}
		case "event":
			s.name = string(bytes.TrimSpace(value[:min(len(value), 64)]))
		case "data":
			if string(bytes.TrimSpace(value)) == "[DONE]" {
				return true, s.flush()
			}
			if err := s.data(value); err != nil {
				return false, err
			}
		}
	}
}

// data takes a line of data. By the standard the lines of an event belong together;
// here each is an event of its own, blank lines between them or not, unless only all
// of them together are one.
func (s *sse) data(value []byte) error {
	p, err := s.d.event(value)
	if errors.Is(err, errNotJSON) {
		if len(s.broken)+len(value) < maxLine {
			s.broken = append(append(s.broken, value...), '\n')
			s.lineCount++
		}
		return nil
	}
	if err == nil && s.name == "error" {
		err = &faultError{fault{Message: looseText(clip(string(value), maxErrorWords))}}
	}
	return s.emit(p, err)
}

func (s *sse) flush() error {
	if s.lineCount == 0 {
		s.name = ""
		return nil
	}
	defer func() { s.name, s.broken, s.lineCount = "", s.broken[:0], 0 }()
	if s.name == "error" {
		return &faultError{fault{Message: looseText(clip(string(s.broken), maxErrorWords))}}
	}
	if s.lineCount < 2 {
		return nil
	}
	p, err := s.d.event(s.broken)
	if errors.Is(err, errNotJSON) {
		return nil
	}
	s.d.skipped -= s.lineCount
	return s.emit(p, err)
}

func (s *sse) emit(p piece, err error) error {
	if err != nil {
		return err
	}
	s.w.pause()
	if p.text != "" {
		s.reasoning = false
		s.pieces = append(s.pieces, p.text)
		return nil
	}
	if !p.thinking || s.reasoning {
		return nil
	}
	if err := s.show(); err != nil {
		return err
	}
	s.reasoning = true
	if !s.yield(agent.Chunk{Reasoning: true}, nil) {
		return errBroken
	}
	return nil
}

// show gives the consumer the text that it does not have yet.
func (s *sse) show() error {
	if len(s.pieces) == 0 {
		return nil
	}
	text := strings.Join(s.pieces, "")
	s.pieces = s.pieces[:0]
	if !s.yield(agent.Chunk{Text: text}, nil) {
		return errBroken
	}
	return nil
}

// lineReader reads lines of bounded length from a stream of bounded length.
type lineReader struct {
	body   io.Reader
	more   bool          // it had all that was asked for last, so there may be more
	r, own *bufio.Reader // r is own, or a wide one that reads from it
	long   []byte        // a line that did not fit into r's buffer
	total  int
}

func newLineReader(body io.Reader) *lineReader {
	l := &lineReader{body: body}
	l.own = readers.get(l)
	l.r = l.own
	return l
}

func (l *lineReader) close() {
	l.narrow()
	readers.put(l.own)
}

// Read implements io.Reader for its readers.
func (l *lineReader) Read(p []byte) (int, error) {
	n, err := l.body.Read(p)
	l.more = n == len(p)
	return n, err
}

// ready reports whether the next line is there already.
func (l *lineReader) ready() bool {
	switch {
	case l.more:
		l.widen()
	case l.r.Buffered() == 0:
		l.narrow()
	}
	there, _ := l.r.Peek(l.r.Buffered()) // which cannot fail
	return bytes.IndexByte(there, '\n') >= 0
}

func (l *lineReader) widen() {
	if l.r == l.own {
		l.r = wideReaders.get(l.own)
	}
}

// narrow puts a wide reader away that holds nothing.
func (l *lineReader) narrow() {
	if l.r != l.own {
		wideReaders.put(l.r)
		l.r = l.own
	}
}

// next returns a line without its end. It is valid until the next call. The end of the
// stream ends the last line.
func (l *lineReader) next() ([]byte, error) {
	l.long = l.long[:0]
	for {
		part, err := l.r.ReadSlice('\n')
		if l.total += len(part); l.total > maxStream || len(l.long)+len(part) > maxLine {
			return nil, fmt.Errorf("%w: a line or the whole is too long", errTooMuch)
		}
		line := part
		if len(l.long) > 0 || errors.Is(err, bufio.ErrBufferFull) {
			l.long = append(l.long, part...)
			line = l.long
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err == nil, errors.Is(err, io.EOF) && len(line) > 0:
			for len(line) > 0 && (line[len(line)-1] == '\n' || line[len(line)-1] == '\r') {
				line = line[:len(line)-1]
			}
			return line, nil
		}
		return nil, err
	}
}
