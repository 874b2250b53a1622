package attach

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	_ "image/gif" // decoded by image.Decode
	stdjpeg "image/jpeg"
	stdpng "image/png"
	"strings"

	"bobbin/agent"
)

// The bounds of a picture as a model gets it. Models divide larger ones or make them
// smaller themselves, at the sender's cost.
const (
	maxSide   = 1568    // pixels
	maxSent   = 1 << 20 // bytes
	maxAsIs   = 3 << 20 // bytes of one that cannot be written anew
	maxPixels = 100_000_000
	// maxUnpacked is how much memory unpacking one may take, in bytes.
	maxUnpacked = 256 << 20
	quality     = 85
)

var (
	errManyPixels = refuse("it has more pixels than I can look at. Please send it smaller.")
	errDamaged    = refuse("the picture is damaged.")
)

// see makes a picture fit for a model, with a line that says what it is.
func (r *Reader) see(ctx context.Context, k kind, data []byte) (c agent.Content, err error) {
	if !r.o.Pictures {
		return c, refuse("my language model cannot see pictures.")
	}
	switch k.ext {
	case "webp":
		return asIs(data)
	case "bmp":
		c.Text, err = r.convert(ctx, k, data)
		return c, err
	}
	config, _, err := image.DecodeConfig(bytes.NewReader(data))
	switch {
	case err != nil || config.Width <= 0 || config.Height <= 0:
		return c, errDamaged
	case config.Width > maxPixels/config.Height, config.Width*config.Height*pixelBytes(k, config, data) > maxUnpacked:
		return c, errManyPixels
	}
	turned := 1
	if k.ext == "jpeg" {
		turned = orientation(data)
	}
	width, height := config.Width, config.Height
	if turned > 4 {
		width, height = height, width
	}
	c.Text = fmt.Sprintf("A picture (%s, %d × %d pixels).", strings.ToUpper(k.ext), width, height)
	small := config.Width <= maxSide && config.Height <= maxSide && len(data) <= maxSent
	if small && k.ext != "gif" && !tellsMore(k, data) {
		c.Image = &agent.Image{Type: k.mime, Data: data}
		return c, nil
	}
	select {
	case r.decode <- struct{}{}:
		defer func() { <-r.decode }()
	case <-ctx.Done():
		return c, ctx.Err()
	}
	img, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return c, errDamaged
	}
	if c.Image, err = write(turn(shrink(img, maxSide), turned), k.ext == "jpeg"); err != nil {
		return c, fmt.Errorf("write a picture: %w", err)
	}
	return c, nil
}

// pixelBytes estimates what a pixel takes while a picture is unpacked.
func pixelBytes(k kind, config image.Config, data []byte) int {
	switch config.ColorModel {
	case color.RGBA64Model, color.NRGBA64Model, color.Gray16Model:
		return 8
	}
	switch {
	case k.ext == "jpeg" && bytes.Contains(data, []byte("\xff\xc2")): // progressive: all of it at once
		return 15
	case k.ext == "jpeg":
		return 3
	case k.ext == "gif":
		return 1
	}
	return 4
}

// asIs passes on a picture that the standard library does not decode.
func asIs(data []byte) (c agent.Content, err error) {
	width, height, ok := sizeOfWebP(data)
	switch {
	case !ok:
		return c, errDamaged
	case len(data) > maxAsIs || width > 2*maxSide || height > 2*maxSide:
		return c, refuse("it is too large for a picture of this format. Please send it as JPEG or PNG.")
	}
	return agent.Content{
		Text:  fmt.Sprintf("A picture (WEBP, %d × %d pixels).", width, height),
		Image: &agent.Image{Type: "image/webp", Data: withoutNotes(data)},
	}, nil
}

// tellsMore reports whether a picture may hold what is not to be seen in it, such as the
// place where it was taken.
func tellsMore(k kind, data []byte) bool {
	if k.ext == "png" {
		return bytes.Contains(data, []byte("eXIf")) || bytes.Contains(data, []byte("iTXt")) || bytes.Contains(data, []byte("tEXt")) || bytes.Contains(data, []byte("zTXt"))
	}
	return bytes.Contains(data, []byte("Exif\x00")) || bytes.Contains(data, []byte("http://ns.adobe.com/")) || bytes.Contains(data, []byte("Photoshop 3.0"))
}

// write encodes a picture: without loss where that is small, as drawings and texts are,
// unless it has had its loss before.
func write(img *image.RGBA, photo bool) (*agent.Image, error) {
	var buf bytes.Buffer
	if !photo {
		if err := stdpng.Encode(&buf, img); err != nil {
			return nil, err
		}
		if buf.Len() <= maxSent/2 {
			return &agent.Image{Type: "image/png", Data: buf.Bytes()}, nil
		}
	}
	if !img.Opaque() {
		paper := image.NewRGBA(img.Bounds())
		draw.Draw(paper, paper.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
		draw.Draw(paper, paper.Bounds(), img, img.Bounds().Min, draw.Over)
		img = paper
	}
	buf = bytes.Buffer{}
	if err := stdjpeg.Encode(&buf, img, &stdjpeg.Options{Quality: quality}); err != nil {
		return nil, err
	}
	return &agent.Image{Type: "image/jpeg", Data: buf.Bytes()}, nil
}

// shrink makes a picture smaller, so that no side is longer than most. Each pixel is the
// average of those it stands for. The source is turned into plain pixels a strip at a time:
// all at once they would take four times the room of a photograph.
func shrink(src image.Image, most int) *image.RGBA {
	b := src.Bounds()
	w, h := fitted(b.Dx(), b.Dy(), most)
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	if w == b.Dx() && h == b.Dy() {
		draw.Draw(dst, dst.Bounds(), src, b.Min, draw.Src)
		return dst
	}
	tallest := (b.Dy()+h-1)/h + 1
	strip := image.NewRGBA(image.Rect(0, 0, b.Dx(), tallest))
	for y := range h {
		top, bottom := y*b.Dy()/h, max((y+1)*b.Dy()/h, y*b.Dy()/h+1)
		rows := image.Rect(0, 0, b.Dx(), bottom-top)
		draw.Draw(strip, rows, src, image.Pt(b.Min.X, b.Min.Y+top), draw.Src)
		for x := range w {
			left, right := x*b.Dx()/w, max((x+1)*b.Dx()/w, x*b.Dx()/w+1)
			var sum [4]int
			for row := range bottom - top {
				line := strip.Pix[row*strip.Stride+4*left : row*strip.Stride+4*right]
				for i := 0; i < len(line); i += 4 {
					sum[0] += int(line[i])
					sum[1] += int(line[i+1])
					sum[2] += int(line[i+2])
					sum[3] += int(line[i+3])
				}
			}
			n := (right - left) * (bottom - top)
			at := y*dst.Stride + 4*x
			for i, s := range sum {
				dst.Pix[at+i] = byte((s + n/2) / n) //nolint:gosec // an average of bytes
			}
		}
	}
	return dst
}

// fitted returns the size of a picture whose longer side is at most most.
func fitted(w, h, most int) (int, int) {
	switch {
	case w <= most && h <= most:
		return w, h
	case w >= h:
		return most, max(1, h*most/w)
	}
	return max(1, w*most/h), most
}

// turn sets a picture upright as its orientation says, 1 to 8 as EXIF counts them.
func turn(src *image.RGBA, orientation int) *image.RGBA {
	if orientation < 2 || orientation > 8 {
		return src
	}
	w, h := src.Bounds().Dx(), src.Bounds().Dy()
	size := image.Rect(0, 0, w, h)
	if orientation > 4 {
		size = image.Rect(0, 0, h, w)
	}
	dst := image.NewRGBA(size)
	for y := range h {
		for x := range w {
			var to image.Point
			switch orientation {
			case 2:
				to = image.Pt(w-1-x, y)
			case 3:
				to = image.Pt(w-1-x, h-1-y)
			case 4:
				to = image.Pt(x, h-1-y)
			case 5:
				to = image.Pt(y, x)
			case 6:
				to = image.Pt(h-1-y, x)
			case 7:
				to = image.Pt(h-1-y, w-1-x)
			case 8:
				to = image.Pt(y, w-1-x)
			}
			copy(dst.Pix[dst.PixOffset(to.X, to.Y):][:4], src.Pix[src.PixOffset(x, y):][:4])
		}
	}
	return dst
}
