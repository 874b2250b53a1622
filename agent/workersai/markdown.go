package workersai

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/textproto"
	"strings"
)

// markdownService is what errors call the conversion.
const markdownService = "tomarkdown"

// Markdown converts a document: PDF, HTML, XML, CSV, SVG, the tables and texts of
// Microsoft Office and of OpenDocument, Apple's Numbers; of a picture it writes a
// description. The service goes by the extension of name and by mimeType. An error is
// [agent.Public].
func (c *Client) Markdown(ctx context.Context, name, mimeType string, data []byte) (string, error) {
	if !headerLine(name) || !headerLine(mimeType) {
		return "", &Error{Model: markdownService, Message: "the name or type of the file has control characters", public: notConverted}
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {multipart.FileContentDisposition("files", name)},
		"Content-Type":        {mimeType},
	})
	if err == nil {
		_, err = part.Write(data)
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		return "", fmt.Errorf("workers ai: build a form: %w", err)
	}
	raw, err := c.serve(ctx, service{name: markdownService, path: "/ai/tomarkdown", contentType: form.FormDataContentType(), body: body.Bytes()})
	if err != nil {
		return "", err
	}
	return c.converted(raw)
}

// notConverted is what people read of a file that the service cannot convert.
const notConverted = "it could not be read; perhaps it is damaged, or protected by a password."

// conversion is what became of one file. A file that failed does not make the request fail.
type conversion struct {
	Format looseText `json:"format"`
	Data   looseText `json:"data"`
	Error  looseText `json:"error"`
}

func (c *Client) converted(raw json.RawMessage) (string, error) {
	raw = bytes.TrimSpace(raw)
	var all []conversion
	if len(raw) > 0 && raw[0] == '{' {
		raw = append(append([]byte{'['}, raw...), ']')
	}
	fails := func(format string, args ...any) error {
		return &Error{Model: markdownService, Message: clip(c.secrets.Replace(fmt.Sprintf(format, args...)), maxErrorWords), public: notConverted}
	}
	if err := json.Unmarshal(raw, &all); err != nil || len(all) != 1 {
		return "", fails("the answer holds %d files instead of one", len(all))
	}
	if all[0].Format == "error" || all[0].Error != "" {
		return "", fails("the file was not converted: %s", all[0].Error)
	}
	return strings.ToValidUTF8(string(all[0].Data), "\ufffd"), nil
}

// headerLine reports whether s may stand in a header.
func headerLine(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}
