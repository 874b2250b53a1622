package badgerstore

import (
	"bytes"
	"log/slog"
	"testing"

	"bobbin/agent"
)

// What one call may make at most is one record, which is in one file of Badger's.
func TestAsMuchAsAToolMayMakeIsJournaled(t *testing.T) {
	s, err := Open(t.TempDir(), Options{Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	accept(t, s, said(place, "M1", "draw"))
	turn := begin(t, s, place.Session())
	call := agent.Entry{Role: agent.RoleAssistant, Calls: []agent.ToolCall{{ID: "c", Name: "draw", Args: []byte(`{}`)}}}
	e := agent.Entry{Role: agent.RoleTool, CallID: "c", Text: "made"}
	var made []agent.Made
	for i := range agent.MaxMade {
		made = append(made, agent.Made{Name: "a.png", Data: bytes.Repeat([]byte{byte(i), 7, 255}, agent.MaxMadeBytes/3)})
	}
	e.Made = &made
	if err := s.Append(t.Context(), turn, call, e); err != nil {
		t.Fatal(err)
	}
	got := begin(t, s, place.Session())
	if len(got.Entries) != 2 || got.Entries[1].Made == nil || len(*got.Entries[1].Made) != agent.MaxMade {
		t.Fatalf("%d entries were read back", len(got.Entries))
	}
	for i, m := range *got.Entries[1].Made {
		if !bytes.Equal(m.Data, made[i].Data) {
			t.Errorf("file %d is not what it was", i)
		}
	}
}
