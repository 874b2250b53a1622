package attach

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"bobbin/agent"
	"bobbin/bots"
)

// shelf is a platform that keeps files, by their ids.
type shelf struct {
	bots.Platform // none of the rest is used
	mu            sync.Mutex
	files         map[string][]byte
	asked         int
	limit         int64
	fail          func(asked int) error
	slow          time.Duration
}

func (*shelf) Name() string { return "chat" }

func (s *shelf) Download(ctx context.Context, _ agent.Target, f agent.File, limit int64) ([]byte, error) {
	s.mu.Lock()
	s.asked++
	asked := s.asked
	s.limit = limit
	s.mu.Unlock()
	if s.slow > 0 {
		select {
		case <-time.After(s.slow):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if s.fail != nil {
		if err := s.fail(asked); err != nil {
			return nil, err
		}
	}
	return s.files[f.ID], nil
}

// services are a Converter and a Transcriber that say what they were given.
type services struct{ err error }

func (s services) Markdown(_ context.Context, name, mimeType string, data []byte) (string, error) {
	return "# " + name + " " + mimeType, s.err
}

func (s services) Transcribe(_ context.Context, audio []byte) (string, error) {
	if s.err == nil && bytes.Contains(audio, []byte("silence")) {
		return " ", nil
	}
	return "hello there", s.err
}

var here = agent.Target{Address: agent.Address{Platform: "chat", Channel: "C1"}}

// readerOf returns a reader of one file.
func readerOf(data []byte, o Options) (*Reader, *shelf) {
	s := &shelf{files: map[string][]byte{"F1": data}}
	o.Platforms = []bots.Platform{s}
	return New(o), s
}

func zipOf(t *testing.T, files ...string) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for i := 0; i < len(files); i += 2 {
		w, err := z.Create(files[i])
		if err == nil {
			_, err = w.Write([]byte(files[i+1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestFilesAreWhatTheirBytesSay(t *testing.T) {
	office := "application/vnd.openxmlformats-officedocument."
	for name, tc := range map[string]struct {
		file agent.File
		data []byte
		want string // part of the text
		why  string // or of the refusal
	}{
		"text":              {agent.File{Name: "a.txt"}, []byte("hello"), "hello", ""},
		"code as video":     {agent.File{Name: "a.ts", Type: "video/mp2t"}, []byte("let a = 1"), "let a = 1", ""},
		"text named zip":    {agent.File{Name: "a.zip", Type: "application/zip"}, []byte("PK is how those begin"), "PK is how", ""},
		"text like a magic": {agent.File{Name: "a.txt"}, []byte("GIF89a is a format"), "GIF89a is", ""},
		"text about PDF":    {agent.File{Name: "a.md"}, []byte("files begin with %PDF-1.7"), "files begin", ""},
		"table":             {agent.File{Name: "a.csv", Type: "text/csv"}, []byte("a,b\n1,2\n"), "a,b\n1,2", ""},
		"page":              {agent.File{Name: "a.HTML"}, []byte("<p>hi"), "# document.html text/html", ""},
		"unnamed page":      {agent.File{Name: "page"}, []byte("\n<!DOCTYPE html><p>hi"), "# document.html text/html", ""},
		"page in code":      {agent.File{Name: "a.vue"}, []byte("<html><p>hi"), "<html><p>hi", ""},
		"PDF named text":    {agent.File{Name: "a.txt", Type: "text/plain"}, []byte("%PDF-1.7\n\x00\xff"), "# document.pdf application/pdf", ""},
		"PDF after junk":    {agent.File{Name: "a.pdf"}, []byte("\x00\x01junk%PDF-1.4"), "# document.pdf", ""},
		"Word":              {agent.File{Name: "a"}, zipOf(t, "[Content_Types].xml", "", "word/document.xml", ""), "# document.docx " + office, ""},
		"Excel":             {agent.File{Name: "a"}, zipOf(t, "xl/workbook.xml", ""), "# document.xlsx", ""},
		"Excel with macros": {agent.File{Name: "a"}, zipOf(t, "xl/workbook.xml", "", "xl/vbaProject.bin", ""), "# document.xlsm", ""},
		"binary Excel":      {agent.File{Name: "a"}, zipOf(t, "xl/workbook.bin", ""), "# document.xlsb", ""},
		"old Excel":         {agent.File{Name: "a.xls"}, []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00"), "# document.xls ", ""},
		"old Word":          {agent.File{Name: "a.doc"}, []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00"), "", "old office"},
		"OpenDocument":      {agent.File{Name: "a"}, zipOf(t, "mimetype", "application/vnd.oasis.opendocument.text"), "# document.odt", ""},
		"OpenDocument book": {agent.File{Name: "a"}, zipOf(t, "mimetype", "application/vnd.oasis.opendocument.spreadsheet"), "# document.ods", ""},
		"Numbers":           {agent.File{Name: "a.numbers"}, zipOf(t, "Index/Document.iwa", ""), "# document.numbers", ""},
		"slides":            {agent.File{Name: "a.pptx"}, zipOf(t, "ppt/presentation.xml", ""), "", "slides"},
		"archive":           {agent.File{Name: "a.docx"}, zipOf(t, "evil.exe", ""), "", "archive"},
		"broken archive":    {agent.File{Name: "a.docx"}, []byte("PK\x03\x04\x00\x00"), "", "archive"},
		"tar":               {agent.File{Name: "a"}, append(make([]byte, 257), "ustar"...), "", "archive"},
		"gzip":              {agent.File{Name: "a.csv"}, []byte("\x1f\x8b\x08\x00"), "", "archive"},
		"program":           {agent.File{Name: "a.png", Type: "image/png"}, []byte("MZ\x90\x00\x03"), "", "program"},
		"ELF":               {agent.File{Name: "a.txt"}, []byte("\x7fELF\x02\x01\x00"), "", "program"},
		"video":             {agent.File{Name: "a.mp4"}, []byte("\x00\x00\x00\x18ftypisom\x00hdlr\x00\x00\x00\x00\x00\x00\x00\x00vide"), "", "video"},
		"video named audio": {agent.File{Name: "a.m4a", Voice: true}, []byte("\x00\x00\x00\x18ftypM4A \x00hdlr\x00\x00\x00\x00\x00\x00\x00\x00vide"), "", "video"},
		"mp4 of a voice":    {agent.File{Name: "a.mp4", Type: "video/mp4"}, []byte("\x00\x00\x00\x18ftypisom\x00hdlr\x00\x00\x00\x00\x00\x00\x00\x00soun"), "hello there", ""},
		"WebM of a voice":   {agent.File{Name: "a.webm"}, []byte("\x1a\x45\xdf\xa3\x00webm\x00A_OPUS"), "hello there", ""},
		"WebM":              {agent.File{Name: "a.webm"}, []byte("\x1a\x45\xdf\xa3\x00webm\x00V_VP9\x00A_OPUS"), "", "video"},
		"Ogg":               {agent.File{Name: "voice-message.ogg", Voice: true}, []byte("OggS\x00OpusHead"), "what is said in it:\nhello there", ""},
		"WAV":               {agent.File{Name: "a.wav"}, []byte("RIFF\x00\x00\x00\x00WAVEfmt "), "hello there", ""},
		"MP3":               {agent.File{Name: "a.mp3"}, []byte("\xff\xfb\x90\x00\x00"), "hello there", ""},
		"silence":           {agent.File{Name: "a.ogg"}, []byte("OggS\x00silence"), "", "nobody speak"},
		"iPhone picture":    {agent.File{Name: "a.jpg"}, []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00"), "", "JPEG or PNG"},
		"bitmap":            {agent.File{Name: "a.bmp"}, []byte("BM\x00\x00\x00\x00"), "# document.bmp", ""},
		"damaged picture":   {agent.File{Name: "a.png"}, []byte("\x89PNG\r\n\x1a\n\x00"), "", "damaged"},
		"anything":          {agent.File{Name: "a.txt"}, []byte("\x01\x02\x03\x04\x00"), "", "kind that I cannot read"},
		"blanks":            {agent.File{Name: "a.txt"}, []byte(" \n\t"), "", "nothing in it"},
		"empty":             {agent.File{Name: "a.txt"}, nil, "", "empty"},
	} {
		tc.file.ID, tc.file.URL = "F1", "u"
		r, _ := readerOf(tc.data, Options{Converter: services{}, Transcriber: services{}, Pictures: true})
		c, err := r.Read(t.Context(), here, tc.file)
		if tc.why != "" {
			if _, ok := errors.AsType[agent.Public](err); !ok || !strings.Contains(agent.Explain(err), tc.why) || c.Text != "" {
				t.Errorf("%s: got %q, %v, want %q", name, c.Text, err, tc.why)
			}
			continue
		}
		if err != nil || !strings.Contains(c.Text, tc.want) {
			t.Errorf("%s: got %q, %v, want %q", name, c.Text, err, tc.want)
		}
	}
}

func TestWhatIsNotSetUpIsSaid(t *testing.T) {
	for name, tc := range map[string]struct {
		data, want, why string
	}{
		"PDF":       {"%PDF-1.7\x00", "", "not PDF documents"},
		"page":      {"<!doctype html><p>hi", "<p>hi", ""},
		"recording": {"OggS\x00", "", "not set up to listen"},
		"picture":   {"\x89PNG\r\n\x1a\n\x00", "", "cannot see"},
	} {
		r, _ := readerOf([]byte(tc.data), Options{})
		c, err := r.Read(t.Context(), here, agent.File{ID: "F1", Name: "f", URL: "u"})
		if (tc.why == "") != (err == nil) || !strings.Contains(c.Text, tc.want) || err != nil && !strings.Contains(agent.Explain(err), tc.why) {
			t.Errorf("%s: got %q, %v", name, c.Text, err)
		}
	}
}

func TestOnlyWhatIsNoFaultOfTheFilesIsForTheAdmin(t *testing.T) {
	for err, own := range map[error]bool{
		refuse("it is empty."): true,
		errSlow:                false,
		&RefusalError{Sentence: "it could not be fetched.", Err: errors.New("missing_scope")}: false,
	} {
		if errors.Is(err, agent.ErrLeftOut) != own {
			t.Errorf("%v: %v", err, !own)
		}
	}
}

func TestFilesAreBounded(t *testing.T) {
	r, s := readerOf([]byte(strings.Repeat("wörter ", 100)+"\n"), Options{MaxBytes: 1000, MaxChars: 50})
	c, err := r.Read(t.Context(), here, agent.File{ID: "F1", Name: "a.txt", Size: 1000})
	if want := "[The text goes on: these are 50 of its 701 characters.]"; err != nil || !strings.HasPrefix(c.Text, "wörter wörter") || !strings.HasSuffix(c.Text, want) {
		t.Errorf("got %q, %v", c.Text, err)
	}
	if s.limit != 1000 {
		t.Errorf("%d bytes were asked for", s.limit)
	}
	for name, why := range map[string]string{"a.txt": "1001 bytes, and I read no more than 1000 bytes", "a.zip": "archive"} {
		if _, err := r.Read(t.Context(), here, agent.File{ID: "F1", Name: name, Size: 1001}); err == nil || !strings.Contains(agent.Explain(err), why) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if s.asked != 1 {
		t.Errorf("files that are too large were asked for")
	}
	if got := size(10 << 20); got != "10 MiB" {
		t.Errorf("10 MiB are %q", got)
	}
	if got := size(11<<20 + 1<<19); got != "11.5 MiB" {
		t.Errorf("11.5 MiB are %q", got)
	}
	_, err = r.Read(t.Context(), agent.Target{Address: agent.Address{Platform: "elsewhere"}}, agent.File{ID: "F1"})
	if err == nil || !strings.Contains(agent.Explain(err), "cannot fetch") {
		t.Errorf("got %v", err)
	}
}

func TestDownloadsAreTriedAgainWhenAskedTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, s := readerOf([]byte("hello"), Options{})
		s.fail = func(asked int) error {
			if asked < 3 {
				return &bots.RetryAfterError{After: 5 * time.Second, Err: errors.New("too many")}
			}
			return nil
		}
		began := time.Now()
		if c, err := r.Read(t.Context(), here, agent.File{ID: "F1", URL: "u"}); err != nil || c.Text != "hello" || time.Since(began) != 10*time.Second {
			t.Errorf("got %q, %v after %v", c.Text, err, time.Since(began))
		}
		s.fail = func(int) error { return &bots.RetryAfterError{After: time.Second, Err: errors.New("https://secret")} }
		if _, err := r.Read(t.Context(), here, agent.File{ID: "F1", URL: "u"}); err == nil || agent.Explain(err) != "it could not be fetched." || s.asked != 6 {
			t.Errorf("got %v after %d", err, s.asked)
		}
		s.fail = func(int) error { return errors.New("not ours") }
		if _, err := r.Read(t.Context(), here, agent.File{ID: "F1"}); err == nil || !strings.Contains(agent.Explain(err), "link to another place") {
			t.Errorf("got %v", err)
		}
	})
}

func TestReadingEndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, s := readerOf([]byte("hello"), Options{Timeout: time.Minute})
		s.slow = time.Hour
		began := time.Now()
		var wg sync.WaitGroup
		for range 2 * atOnce {
			wg.Go(func() {
				if _, err := r.Read(t.Context(), here, agent.File{ID: "F1", URL: "u"}); err == nil || !strings.Contains(agent.Explain(err), "too long") {
					t.Errorf("got %v", err)
				}
			})
		}
		wg.Wait()
		if took := time.Since(began); took != 2*time.Minute {
			t.Errorf("took %v, want those that waited for others to have their time too", took)
		}
		why := errors.New("stopped")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(why)
		if _, err := r.Read(ctx, here, agent.File{ID: "F1", URL: "u"}); !errors.Is(err, why) {
			t.Errorf("got %v", err)
		}
	})
}

func TestServicesHaveTheirOwnWords(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want string
	}{
		{&RefusalError{Sentence: "the day is over."}, "the day is over."},
		{errors.New("internal: token"), "it could not be read."},
	} {
		r, _ := readerOf([]byte("%PDF-1.7\x00"), Options{Converter: services{tc.err}})
		if _, err := r.Read(t.Context(), here, agent.File{ID: "F1", URL: "u"}); !errors.Is(err, tc.err) || agent.Explain(err) != tc.want {
			t.Errorf("got %v, %q", err, agent.Explain(err))
		}
	}
}
