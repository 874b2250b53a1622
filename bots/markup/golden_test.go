package markup

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestGolden shows what each construct becomes. The Markdown of a file ends without
// its last line break, as an answer that is still being written does. Files named
// cut-* are rendered with a small budget, so that their pages are short.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/golden/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, archive, strings.HasPrefix(filepath.Base(file), "cut-"))
			if *update {
				if err := os.WriteFile(file, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// goldenInputs is the Markdown of all golden files.
func goldenInputs(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("testdata/golden/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	inputs := map[string]string{}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		inputs[filepath.Base(file)] = strings.TrimSuffix(string(archive.Files[0].Data), "\n")
	}
	return inputs
}

func golden(t *testing.T, archive *txtar.Archive, short bool) {
	md := strings.TrimSuffix(string(archive.Files[0].Data), "\n")
	outputs := archive.Files[1:]
	if *update {
		outputs = nil
	}
	for _, x := range append(targets, target{name: "plain", dialect: plain}) {
		d := *x.dialect
		if short && x.name == "slack" || x.name == "plain" && short {
			continue
		}
		if short {
			d.soft, d.hard = 220, 400
		}
		if x.name == "plain" {
			d = *discord
		}
		var texts []string
		for _, p := range paginate(md, &d) {
			if x.name == "plain" {
				p.Text = p.Plain
			}
			texts = append(texts, p.Text)
		}
		got := strings.ReplaceAll(strings.Join(texts, "\n=== page\n"), zeroWidth, "␣") + "\n"
		if *update {
			outputs = append(outputs, txtar.File{Name: x.name, Data: []byte(got)})
			continue
		}
		found := false
		for _, f := range outputs {
			if f.Name == x.name {
				found = true
				if diff := cmp.Diff(string(f.Data), got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", x.name, diff)
				}
			}
		}
		if !found {
			t.Errorf("no golden output for %s; run with -update", x.name)
		}
	}
	archive.Files = append(archive.Files[:1:1], outputs...)
}
