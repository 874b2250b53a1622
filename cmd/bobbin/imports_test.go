package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// room is a package as the go command lists it.
type room struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

// TestImportsRunOneWay keeps the picture of the architecture true: what may import what,
// and who alone knows a library. Tests may look further, but not around the libraries'
// keepers.
func TestImportsRunOneWay(t *testing.T) {
	rooms := listRooms(t)
	for _, p := range rooms {
		for _, imported := range p.Imports {
			if why := forbidden(p.ImportPath, imported); why != "" {
				t.Errorf("%s imports %s: %s", p.ImportPath, imported, why)
			}
		}
		for _, part := range strings.Split(p.ImportPath, "/") {
			if slices.Contains([]string{"internal", "pkg", "util", "utils", "types", "common"}, part) {
				t.Errorf("%s: a package is named after what it is about, not %q", p.ImportPath, part)
			}
		}
	}
}

func TestImportRulesSeeWhatIsForbidden(t *testing.T) {
	for _, c := range []struct{ from, to string }{
		{"bobbin/agent", "bobbin/bots"},
		{"bobbin/agent", "github.com/google/go-cmp/cmp"},
		{"bobbin/agent/workersai", "bobbin/agent/badgerstore"},
		{"bobbin/agent/workersai", "bobbin/tools"},
		{"bobbin/agent/workersai", "bobbin/bots/markup"},
		{"bobbin/bots/slack", "bobbin/agent/quickjson"},
		{"bobbin/agent/quickjson", "bobbin/agent"},
		{"bobbin/agent/workersai", "github.com/dgraph-io/badger/v4"},
		{"bobbin/bots", "bobbin/bots/slack"},
		{"bobbin/bots/slack", "bobbin/bots/discord"},
		{"bobbin/bots/slack", "bobbin/agent/workersai"},
		{"bobbin/bots/reply", "github.com/slack-go/slack"},
		{"bobbin/bots/discord", "bobbin/tools"},
		{"bobbin/tools", "bobbin/bots"},
		{"bobbin/tools", "bobbin/tools/web"},
		{"bobbin/tools/web", "bobbin/agent/badgerstore"},
		{"bobbin/cmd/bobbin", "github.com/bwmarrin/discordgo"},
		{"bobbin/agent", "bobbin/cmd/bobbin"},
	} {
		if forbidden(c.from, c.to) == "" {
			t.Errorf("%s may import %s", c.from, c.to)
		}
	}
	for _, c := range []struct{ from, to string }{
		{"bobbin/agent", "log/slog"},
		{"bobbin/agent/badgerstore", "github.com/dgraph-io/badger/v4"},
		{"bobbin/agent/badgerstore", "bobbin/agent/quickjson"},
		{"bobbin/bots/slack", "github.com/slack-go/slack/socketmode"},
		{"bobbin/bots/slack", "bobbin/bots/markup"},
		{"bobbin/tools/web", "bobbin/tools"},
		{"bobbin/cmd/bobbin", "bobbin/bots/slack"},
	} {
		if why := forbidden(c.from, c.to); why != "" {
			t.Errorf("%s may not import %s: %s", c.from, c.to, why)
		}
	}
}

func listRooms(t *testing.T) (rooms []room) {
	t.Helper()
	var stderr bytes.Buffer
	list := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "bobbin/...")
	list.Stderr = &stderr
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v; %s", err, &stderr)
	}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p room
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		rooms = append(rooms, p)
	}
	if len(rooms) < 10 {
		t.Fatalf("go list names %d packages only", len(rooms))
	}
	return rooms
}

// keepers are the packages that alone know a library.
var keepers = map[string]string{
	"github.com/dgraph-io/badger":   "bobbin/agent/badgerstore",
	"github.com/slack-go/slack":     "bobbin/bots/slack",
	"github.com/bwmarrin/discordgo": "bobbin/bots/discord",
}

// shared are the packages below a root that the others there may use.
var shared = []string{"bobbin/agent/quickjson", "bobbin/bots/markup"}

// forbidden says why the package from may not import another, or nothing.
func forbidden(from, to string) string {
	for library, keeper := range keepers {
		if within(to, library) && from != keeper {
			return "only " + keeper + " knows this library"
		}
	}
	if !within(to, "bobbin") {
		if from == "bobbin/agent" && strings.Contains(strings.Split(to, "/")[0], ".") {
			return "the kernel needs the standard library only"
		}
		return ""
	}
	switch {
	case within(from, "bobbin/cmd"):
		return ""
	case within(to, "bobbin/cmd"):
		return "nothing imports the program"
	case from == "bobbin/agent":
		return "the kernel knows none of the rooms around it"
	case slices.Contains(shared, from):
		return "what others share knows none of them"
	case within(from, "bobbin/agent"):
		if to != "bobbin/agent" && !sharedWith(from, to) {
			return "what is below agent knows the kernel only, and what is shared"
		}
	case from == "bobbin/bots", from == "bobbin/tools":
		if to != "bobbin/agent" {
			return "a root knows the kernel, and not its leaves"
		}
	case within(from, "bobbin/bots"):
		if to != "bobbin/agent" && to != "bobbin/bots" && !sharedWith(from, to) {
			return "a leaf of bots knows agent, bots and what is shared there only"
		}
	case within(from, "bobbin/tools"):
		if to != "bobbin/agent" && to != "bobbin/tools" {
			return "a leaf of tools knows agent and tools only"
		}
	default:
		return "this package has no place in the picture yet: give it one here"
	}
	return ""
}

// sharedWith reports whether to is for all that is below the root of from.
func sharedWith(from, to string) bool {
	return slices.ContainsFunc([]string{"bobbin/agent", "bobbin/bots"}, func(root string) bool {
		return within(from, root) && within(to, root) && slices.Contains(shared, to)
	})
}

func within(path, root string) bool {
	return path == root || strings.HasPrefix(path, root+"/")
}
