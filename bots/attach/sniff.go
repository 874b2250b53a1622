package attach

import (
	"archive/zip"
	"bytes"
	"io"
	"slices"
	"strings"

	"bobbin/agent"
)

// class is what is to be done with a file.
type class int

const (
	unknown   class = iota // left out
	text                   // decoded
	markup                 // converted, or decoded
	document               // converted
	picture                // seen
	recording              // heard
)

// kind is what a file is.
type kind struct {
	class class
	ext   string // that belongs to it, if it is to be converted
	mime  string
	what  string // in the plural, for people
	why   string // it is left out
}

func (k kind) name() string {
	switch {
	case k.mime != "":
		return k.mime
	case k.class == text:
		return "text"
	}
	return "unknown"
}

// Sentences about what is left out.
const (
	isVideo   = "it is a video, and I cannot watch those."
	isArchive = "it is an archive. Please send the files in it one by one."
	isProgram = "it is a program, and I read none."
	isOld     = "it is in the format of an old office program. Please save it as PDF and send that."
	isSlides  = "I cannot read slides in this format. Please save them as PDF and send that."
	isHEIC    = "I cannot read this format of pictures. Please send it as JPEG or PNG."
	isOther   = "it is of a kind that I cannot read."
)

var (
	pdf      = kind{document, "pdf", "application/pdf", "PDF documents", ""}
	html     = kind{markup, "html", "text/html", "web pages", ""}
	bmp      = kind{picture, "bmp", "image/bmp", "pictures of this kind", ""}
	png      = kind{picture, "png", "image/png", "pictures", ""}
	jpeg     = kind{picture, "jpeg", "image/jpeg", "pictures", ""}
	gif      = kind{picture, "gif", "image/gif", "pictures", ""}
	webp     = kind{picture, "webp", "image/webp", "pictures", ""}
	sound    = kind{recording, "", "audio", "recordings", ""}
	video    = kind{why: isVideo}
	archive  = kind{why: isArchive}
	program  = kind{why: isProgram}
	oldWord  = kind{why: isOld}
	slides   = kind{why: isSlides}
	heic     = kind{why: isHEIC}
	noKind   = kind{why: isOther}
	docx     = kind{document, "docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "Office documents", ""}
	odt      = kind{document, "odt", "application/vnd.oasis.opendocument.text", "Office documents", ""}
	ods      = kind{document, "ods", "application/vnd.oasis.opendocument.spreadsheet", "Office documents", ""}
	numbers  = kind{document, "numbers", "application/vnd.apple.numbers", "Office documents", ""}
	workbook = map[string]kind{
		"xlsx": {document, "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "Office documents", ""},
		"xlsm": {document, "xlsm", "application/vnd.ms-excel.sheet.macroenabled.12", "Office documents", ""},
		"xlsb": {document, "xlsb", "application/vnd.ms-excel.sheet.binary.macroenabled.12", "Office documents", ""},
		"xls":  {document, "xls", "application/vnd.ms-excel", "Office documents", ""},
		"et":   {document, "et", "application/vnd.ms-excel", "Office documents", ""},
	}
)

// magics are how files begin, longer ones before those that they begin with.
var magics = []struct {
	at    int
	magic string
	kind  kind
}{
	{0, "\x89PNG\r\n\x1a\n", png}, {0, "\xff\xd8\xff", jpeg}, {0, "GIF87a", gif}, {0, "GIF89a", gif}, {8, "WEBP", webp},
	{0, "II*\x00", heic}, {0, "MM\x00*", heic}, {0, "\xff\x0a", heic}, {0, "8BPS", heic},
	{0, "OggS", sound}, {0, "ID3", sound}, {0, "fLaC", sound}, {8, "WAVE", sound}, {8, "AIFF", sound}, {8, "AIFC", sound}, {0, "#!AMR", sound}, {0, "caff", sound},
	{8, "AVI ", video}, {0, "FLV", video}, {0, "\x00\x00\x01\xba", video}, {0, "\x00\x00\x01\xb3", video}, {0, "0&\xb2u\x8ef\xcf\x11", video},
	{0, "\x1f\x8b", archive}, {0, "BZh", archive}, {0, "\xfd7zXZ\x00", archive}, {0, "7z\xbc\xaf\x27\x1c", archive}, {0, "Rar!\x1a\x07", archive},
	{0, "\x28\xb5\x2f\xfd", archive}, {257, "ustar", archive}, {0, "!<arch>\n", archive}, {0, "MSCF", archive},
	{0, "\x7fELF", program}, {0, "\xca\xfe\xba\xbe", program}, {0, "\xcf\xfa\xed\xfe", program}, {0, "\xce\xfa\xed\xfe", program}, {0, "\x00asm", program},
}

// sniff says what a file is. Its bytes decide; ext and what the platform says of it count
// where they leave a choice.
func sniff(data []byte, ext string, f agent.File) kind {
	readable := isText(data)
	for _, m := range magics {
		switch {
		case len(data) < m.at+len(m.magic) || string(data[m.at:m.at+len(m.magic)]) != m.magic:
		case m.at == 8 && string(data[:4]) != "RIFF" && string(data[:4]) != "FORM":
		case readable: // a text may begin with any letters
		case m.kind == sound && bytes.Contains(data[:min(len(data), 4<<10)], []byte("\x80theora")):
			return video
		default:
			return m.kind
		}
	}
	switch {
	case bytes.HasPrefix(bytes.TrimSpace(data[:min(len(data), 1024)]), []byte("%PDF-")),
		!readable && bytes.Contains(data[:min(len(data), 1024)], []byte("%PDF-")):
		return pdf
	case readable:
		return sniffText(data, ext)
	case bytes.HasPrefix(data, []byte("PK\x03\x04")), bytes.HasPrefix(data, []byte("PK\x05\x06")):
		return sniffZip(data, ext)
	case bytes.HasPrefix(data, []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")):
		if k, ok := workbook[ext]; ok && ext != "xlsx" && ext != "xlsm" && ext != "xlsb" {
			return k
		}
		return oldWord
	case len(data) >= 12 && string(data[4:8]) == "ftyp":
		return sniffMP4(data)
	case bytes.HasPrefix(data, []byte("\x1a\x45\xdf\xa3")):
		return sniffMatroska(data)
	case bytes.HasPrefix(data, []byte("MZ")):
		return program
	case bytes.HasPrefix(data, []byte("BM")):
		return bmp
	case isMP3(data, f):
		return sound
	}
	return noKind
}

// sniffText tells web pages from other text. Their source is text of its own right, so it
// needs to be called one too.
func sniffText(data []byte, ext string) kind {
	if slices.Contains([]string{"html", "htm", "xhtml"}, ext) {
		return html
	}
	head := bytes.ToLower(bytes.TrimSpace(bytes.TrimPrefix(data[:min(len(data), 512)], []byte("\xef\xbb\xbf"))))
	if ext == "" && (bytes.HasPrefix(head, []byte("<!doctype html")) || bytes.HasPrefix(head, []byte("<html"))) {
		return html
	}
	return kind{class: text}
}

// sniffZip tells what is a ZIP archive within by the names in it. Of the archive no more
// than its list and one line is read.
func sniffZip(data []byte, ext string) kind {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return archive
	}
	var word, book, show, binary, macros bool
	for _, f := range z.File[:min(len(z.File), 2000)] {
		switch {
		case f.Name == "mimetype":
			switch firstLine(f) {
			case odt.mime:
				return odt
			case ods.mime:
				return ods
			case "application/vnd.oasis.opendocument.presentation":
				return slides
			}
		case f.Name == "word/document.xml":
			word = true
		case strings.HasPrefix(f.Name, "xl/"):
			book = true
			binary = binary || f.Name == "xl/workbook.bin"
			macros = macros || f.Name == "xl/vbaProject.bin"
		case strings.HasPrefix(f.Name, "ppt/"):
			show = true
		case strings.HasPrefix(f.Name, "Index/") && ext == "numbers":
			return numbers
		case strings.HasPrefix(f.Name, "Index/") && (ext == "key" || ext == "pages"):
			return slides
		}
	}
	switch {
	case word:
		return docx
	case book && binary:
		return workbook["xlsb"]
	case book && macros:
		return workbook["xlsm"]
	case book:
		return workbook["xlsx"]
	case show:
		return slides
	}
	return archive
}

func firstLine(f *zip.File) string {
	r, err := f.Open()
	if err != nil {
		return ""
	}
	defer func() { _ = r.Close() }() // read as far as it matters
	line, _ := io.ReadAll(io.LimitReader(r, 100))
	return strings.TrimSpace(string(line))
}

// sniffMP4 tells recordings from videos by the tracks. Pictures of telephones have the
// same form.
func sniffMP4(data []byte) kind {
	switch brand := string(data[8:12]); brand {
	case "heic", "heix", "hevc", "mif1", "msf1", "avif", "avis", "crx ":
		return heic
	}
	heard := false
	for rest := data; ; {
		_, after, ok := bytes.Cut(rest, []byte("hdlr"))
		if !ok {
			break
		}
		if rest = after; len(rest) >= 12 {
			switch string(rest[8:12]) {
			case "vide":
				return video
			case "soun":
				heard = true
			}
		}
	}
	if heard || string(data[8:11]) == "M4A" {
		return sound
	}
	return video
}

// sniffMatroska does the same for WebM and its kin, by the names of the codecs.
func sniffMatroska(data []byte) kind {
	head := data[:min(len(data), 64<<10)]
	if bytes.Contains(head, []byte("V_")) || !bytes.Contains(head, []byte("A_")) {
		return video
	}
	return sound
}

// isMP3 reports whether data begins with a frame of MPEG audio. Two bytes are weak
// evidence, so somebody has to say so too.
func isMP3(data []byte, f agent.File) bool {
	if len(data) < 4 || data[0] != 0xff || data[1]&0xe0 != 0xe0 {
		return false
	}
	return f.Voice || strings.HasPrefix(f.Type, "audio/") || slices.Contains([]string{"mp3", "aac", "mp2"}, extension(f.Name))
}

// hopeless says why a file would be left out however small it were, if what is said of it
// is true.
func hopeless(f agent.File) string {
	kind, _, _ := strings.Cut(f.Type, ";")
	switch {
	case f.Voice:
	case strings.HasPrefix(kind, "video/"):
		return isVideo
	case slices.Contains([]string{"zip", "gz", "tgz", "bz2", "xz", "7z", "rar", "tar", "zst"}, extension(f.Name)):
		return isArchive
	case slices.Contains([]string{"exe", "msi", "dmg", "apk", "deb", "rpm", "iso"}, extension(f.Name)):
		return isProgram
	}
	return ""
}
