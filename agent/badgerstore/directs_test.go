package badgerstore

import (
	"context"
	"errors"
	"slices"
	"testing"
)

func TestDirectChannelsAreKeptTheLatestFirst(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{})
	for _, channel := range []string{"1", "2", "3", "1"} {
		if err := s.AddDirect(t.Context(), "discord", channel); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.AddDirect(t.Context(), "discordant", "9"); err != nil {
		t.Fatal(err)
	}
	got, err := s.Directs(t.Context(), "discord")
	if want := []string{"1", "3", "2"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := s.Directs(t.Context(), "slack"); err != nil || len(got) != 0 {
		t.Errorf("%q, %v", got, err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Directs(gone, "discord"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := s.AddDirect(gone, "discord", "4"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
