package attach

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	stdgif "image/gif"
	stdjpeg "image/jpeg"
	stdpng "image/png"
	"math/rand/v2"
	"strings"
	"testing"

	"bobbin/agent"
)

// flag is a picture whose left half is red and whose right half is blue.
func flag(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{R: 255, A: 255}
			if x >= w/2 {
				c = color.RGBA{B: 255, A: 255}
			}
			img.SetRGBA(x, y, c)
		}
	}
	return img
}

func pngOf(t *testing.T, img image.Image) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := stdpng.Encode(&buf, img); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func jpegOf(t *testing.T, img image.Image) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := stdjpeg.Encode(&buf, img, nil); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// fromCamera puts notes into a JPEG: how it was held, and a secret.
func fromCamera(jpeg []byte, orientation uint16) []byte {
	tiff := []byte("MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01")
	tiff = binary.BigEndian.AppendUint16(tiff, orientation)
	tiff = append(tiff, "\x00\x00\x00\x00\x00\x00taken at home"...)
	segment := append([]byte("Exif\x00\x00"), tiff...)
	out := append([]byte{}, jpeg[:2]...)
	out = append(out, 0xff, 0xe1)
	out = binary.BigEndian.AppendUint16(out, uint16(len(segment)+2))
	return append(append(out, segment...), jpeg[2:]...)
}

func readPicture(t *testing.T, data []byte) agent.Content {
	t.Helper()
	r, _ := readerOf(data, Options{Pictures: true})
	c, err := r.Read(t.Context(), here, agent.File{ID: "F1", Name: "a.bin", URL: "u"})
	if err != nil || c.Image == nil {
		t.Fatalf("got %q, %v", c.Text, err)
	}
	return c
}

func decoded(t *testing.T, p *agent.Image) image.Image {
	t.Helper()
	img, format, err := image.Decode(bytes.NewReader(p.Data))
	if err != nil || "image/"+format != p.Type {
		t.Fatalf("a picture of type %s is a %s, %v", p.Type, format, err)
	}
	return img
}

func TestSmallPicturesGoAsTheyAre(t *testing.T) {
	for kind, data := range map[string][]byte{"image/png": pngOf(t, flag(40, 30)), "image/jpeg": jpegOf(t, flag(40, 30))} {
		c := readPicture(t, data)
		if c.Image.Type != kind || !bytes.Equal(c.Image.Data, data) || !strings.Contains(c.Text, "40 × 30 pixels") {
			t.Errorf("%s: got %s, %q", kind, c.Image.Type, c.Text)
		}
	}
}

func TestLargePicturesAreMadeSmaller(t *testing.T) {
	for name, tc := range map[string]struct {
		data []byte
		w, h int
	}{
		"wide":   {pngOf(t, flag(4000, 1000)), 1568, 392},
		"tall":   {jpegOf(t, flag(500, 2000)), 392, 1568},
		"narrow": {pngOf(t, flag(5000, 1)), 1568, 1},
	} {
		c := readPicture(t, tc.data)
		img := decoded(t, c.Image)
		if b := img.Bounds(); b.Dx() != tc.w || b.Dy() != tc.h {
			t.Errorf("%s: got %v", name, b)
		}
		left, _, _, _ := img.At(2, 0).RGBA()
		right, _, blue, _ := img.At(tc.w-3, tc.h-1).RGBA()
		if left < 0xf000 || right > 0x1000 || blue < 0xf000 {
			t.Errorf("%s: the colours are not where they were", name)
		}
	}
	noise := image.NewRGBA(image.Rect(0, 0, 1200, 1200))
	random := rand.NewChaCha8([32]byte{})
	_, _ = random.Read(noise.Pix)
	if c := readPicture(t, pngOf(t, noise)); c.Image.Type != "image/jpeg" || len(c.Image.Data) > maxAsIs {
		t.Errorf("noise is a %s of %d bytes", c.Image.Type, len(c.Image.Data))
	}
}

func TestPicturesAreSetUprightAndForgetTheirCamera(t *testing.T) {
	for o, left := range map[uint16]image.Point{1: {2, 20}, 2: {37, 20}, 3: {37, 2}, 4: {2, 2}, 5: {2, 2}, 6: {2, 2}, 7: {2, 37}, 8: {2, 37}} {
		data := fromCamera(jpegOf(t, flag(40, 30)), o)
		if got := orientation(data); got != int(o) {
			t.Fatalf("orientation %d is read as %d", o, got)
		}
		c := readPicture(t, data)
		if bytes.Contains(c.Image.Data, []byte("home")) {
			t.Errorf("%d: the camera's notes are still there", o)
		}
		img := decoded(t, c.Image)
		if b := img.Bounds(); (o > 4) != (b.Dx() == 30) || (o > 4) != strings.Contains(c.Text, "30 × 40") {
			t.Errorf("%d: got %v, %q", o, b, c.Text)
		}
		if red, _, blue, _ := img.At(left.X, left.Y).RGBA(); red < 0xe000 || blue > 0x2000 {
			t.Errorf("%d: the left half is not where it should be", o)
		}
	}
	for _, broken := range []string{"\xff\xd8", "\xff\xd8\xff\xe1\x00\x01", "\xff\xd8\xff\xe1\x00\x10Exif\x00\x00MM\x00*\xff\xff\xff\xff", "\xff\xd8\xff\xe1\x00\x08Exif\x00\x00"} {
		if got := orientation([]byte(broken)); got != 1 {
			t.Errorf("%q: got %d", broken, got)
		}
	}
}

func TestOnlyTheFirstPictureOfAnAnimationIsSeen(t *testing.T) {
	var buf bytes.Buffer
	if err := stdgif.Encode(&buf, flag(20, 10), nil); err != nil {
		t.Fatal(err)
	}
	if c := readPicture(t, buf.Bytes()); c.Image.Type != "image/png" || !strings.Contains(c.Text, "GIF") {
		t.Errorf("got %s, %q", c.Image.Type, c.Text)
	}
}

func TestPicturesThatUnfoldAreLeftOut(t *testing.T) {
	head := func(w, h uint32) []byte {
		b := []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR")
		b = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, w), h)
		b = append(b, 16, 6, 0, 0, 0)
		return binary.BigEndian.AppendUint32(b, crc(b[12:]))
	}
	for _, data := range [][]byte{head(60_000, 60_000), head(8000, 8000), head(1<<31-1, 1<<31-1)} {
		r, _ := readerOf(data, Options{Pictures: true})
		if _, err := r.Read(t.Context(), here, agent.File{ID: "F1", URL: "u"}); err == nil || !strings.Contains(agent.Explain(err), "pixels") && !strings.Contains(agent.Explain(err), "damaged") {
			t.Errorf("got %v", err)
		}
	}
}

func crc(b []byte) uint32 { return crc32.ChecksumIEEE(b) }

func webpOf(chunks ...string) []byte {
	body := "WEBP"
	for i := 0; i < len(chunks); i += 2 {
		body += chunks[i] + string(binary.LittleEndian.AppendUint32(nil, uint32(len(chunks[i+1])))) + chunks[i+1] + strings.Repeat("\x00", len(chunks[i+1])%2)
	}
	return []byte("RIFF" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(body)))) + body)
}

func TestWebPGoesWithoutItsNotes(t *testing.T) {
	frame := "\x00\x00\x00\x9d\x01\x2a\x20\x00\x10\x00 and so on"
	with := webpOf("VP8X", "\x0c\x00\x00\x00\x1f\x00\x00\x0f\x00\x00", "VP8 ", frame, "EXIF", "at home", "XMP ", "<home/>")
	c := readPicture(t, with)
	want := webpOf("VP8X", "\x00\x00\x00\x00\x1f\x00\x00\x0f\x00\x00", "VP8 ", frame)
	if c.Image.Type != "image/webp" || !bytes.Equal(c.Image.Data, want) || !strings.Contains(c.Text, "32 × 16") {
		t.Errorf("got %q, %q, want %q", c.Text, c.Image.Data, want)
	}
	for name, data := range map[string][]byte{
		"VP8":  webpOf("VP8 ", frame+"  "),
		"VP8L": webpOf("VP8L", "\x2f\x1f\xc0\x03\x00 and so on"),
	} {
		if c := readPicture(t, data); !strings.Contains(c.Text, "32 × 16") {
			t.Errorf("%s: got %q", name, c.Text)
		}
	}
	for name, data := range map[string][]byte{"damaged": webpOf("VP8 ", ""), "large": webpOf("VP8X", "\x00\x00\x00\x00\xff\xff\x00\x0f\x00\x00")} {
		r, _ := readerOf(data, Options{Pictures: true})
		if c, err := r.Read(t.Context(), here, agent.File{ID: "F1", URL: "u"}); err == nil {
			t.Errorf("%s: got %q", name, c.Text)
		}
	}
}

// FuzzRead: whatever a file holds, it becomes content or a refusal with a sentence.
func FuzzRead(f *testing.F) {
	f.Add([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"), "a.png")
	f.Add([]byte("PK\x03\x04"), "a.docx")
	f.Add(webpOf("VP8X", "\x0c\x00\x00\x00\x1f\x00\x00\x0f\x00\x00", "EXIF", "x"), "a.webp")
	f.Add([]byte("\x00\x00\x00\x18ftypisom\x00hdlr"), "a.mp4")
	f.Add([]byte("\xff\xd8\xff\xe1\x00\x10Exif\x00\x00II*\x00\x08\x00\x00\x00"), "a.jpg")
	f.Add([]byte("text"), "a")
	f.Fuzz(func(t *testing.T, data []byte, name string) {
		r, _ := readerOf(data, Options{Converter: services{}, Transcriber: services{}, Pictures: true})
		c, err := r.Read(t.Context(), here, agent.File{ID: "F1", Name: name, URL: "u"})
		if err == nil && c.Text == "" || err != nil && !strings.HasSuffix(agent.Explain(err), ".") {
			t.Fatalf("got %+v, %v", c, err)
		}
	})
}
