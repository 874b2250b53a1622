package sandbox

import (
	"archive/zip"
	"bytes"
	"compress/zlib"
	"encoding/xml"
	"errors"
	"io"
	"path"
	"regexp"
	"strings"
)

// aiMaxUnpacked bounds what a document may unfold to, in bytes.
const aiMaxUnpacked = 8 << 20

// aiConverters make Markdown of documents, by their extensions: those that the service
// names. It is much simpler than the service's.
var aiConverters = map[string]func([]byte) (string, error){
	"pdf": aiPDF, "html": aiHTML, "htm": aiHTML, "xml": aiPlain, "csv": aiPlain, "svg": aiPlain,
	"docx": aiZipped("word/document.xml"), "odt": aiZipped("content.xml"), "ods": aiZipped("content.xml"),
	"xlsx": aiZipped("xl/sharedStrings.xml"), "xlsm": aiZipped("xl/sharedStrings.xml"),
	"xlsb": aiUnread, "xls": aiUnread, "et": aiUnread, "numbers": aiUnread,
	"jpeg": aiDescribe, "jpg": aiDescribe, "png": aiDescribe, "webp": aiDescribe, "gif": aiDescribe, "bmp": aiDescribe,
}

var errAIDocument = errors.New("the document cannot be read")

// aiConvert makes Markdown of a document.
func aiConvert(name string, data []byte) (string, error) {
	convert := aiConverters[strings.ToLower(strings.TrimPrefix(path.Ext(name), "."))]
	if convert == nil {
		return "", errors.New("unsupported file type")
	}
	body, err := convert(data)
	if err != nil {
		return "", err
	}
	return "# " + name + "\n\n" + strings.TrimSpace(body) + "\n", nil
}

func aiPlain(data []byte) (string, error) { return string(data), nil }

func aiUnread([]byte) (string, error) {
	return "*A stand-in converts this kind of document without its content.*", nil
}

func aiDescribe(data []byte) (string, error) {
	return "The image is " + (AIImage{Data: data}).words(), nil
}

var (
	aiPDFStream = regexp.MustCompile(`(?s)stream\r?\n(.*?)\r?\n?endstream`)
	// aiPDFShown is a text that is shown: one string, or a list of them.
	aiPDFShown  = regexp.MustCompile(`(?s)(\((?:\\.|[^\\()])*\))\s*Tj|\[((?:\((?:\\.|[^\\()])*\)|[^\]()])*)\]\s*TJ`)
	aiPDFString = regexp.MustCompile(`(?s)\((?:\\.|[^\\()])*\)`)
	aiPDFEscape = regexp.MustCompile(`(?s)\\(.)`)
)

// aiPDF finds the texts of a simple PDF.
func aiPDF(data []byte) (string, error) {
	if !bytes.HasPrefix(data, []byte("%PDF-")) {
		return "", errAIDocument
	}
	var b strings.Builder
	for _, found := range aiPDFStream.FindAllSubmatch(data, -1) {
		stream := found[1]
		if z, err := zlib.NewReader(bytes.NewReader(stream)); err == nil {
			plain, err := io.ReadAll(io.LimitReader(z, aiMaxUnpacked))
			if err != nil {
				continue
			}
			stream = plain
		}
		for _, shown := range aiPDFShown.FindAll(stream, -1) {
			for _, s := range aiPDFString.FindAll(shown, -1) {
				b.Write(aiPDFEscape.ReplaceAll(s[1:len(s)-1], []byte("$1")))
			}
			b.WriteByte('\n')
		}
	}
	return b.String(), nil
}

var (
	aiHTMLHidden = regexp.MustCompile(`(?is)<(script|style|head)\b.*?</(script|style|head)>`)
	aiHTMLTag    = regexp.MustCompile(`(?s)<[^>]*>`)
)

func aiHTML(data []byte) (string, error) {
	text := aiHTMLTag.ReplaceAllString(aiHTMLHidden.ReplaceAllString(string(data), " "), "\n")
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n\n"), nil
}

// aiZipped reads the texts of one part of a document that is a ZIP archive.
func aiZipped(part string) func([]byte) (string, error) {
	return func(data []byte) (string, error) {
		z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return "", errAIDocument
		}
		f, err := z.Open(part)
		if err != nil {
			return "", errAIDocument
		}
		defer func() { _ = f.Close() }() // read as far as it matters
		var b strings.Builder
		for d := xml.NewDecoder(io.LimitReader(f, aiMaxUnpacked)); ; {
			t, err := d.Token()
			switch t := t.(type) {
			case xml.CharData:
				b.Write(t)
			case xml.EndElement:
				if t.Name.Local == "p" || t.Name.Local == "si" {
					b.WriteByte('\n')
				}
			}
			if errors.Is(err, io.EOF) {
				return b.String(), nil
			}
			if err != nil {
				return "", errAIDocument
			}
		}
	}
}
