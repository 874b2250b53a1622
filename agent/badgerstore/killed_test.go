package badgerstore

import (
	"os"
	"path/filepath"
	"testing"
)

// Badger makes its logs in two steps: an empty file, and then its size.
func TestOpenAfterAKillWhileALogWasMade(t *testing.T) {
	for name, files := range map[string][]string{
		"memtable":  {"00077.mem"},
		"value log": {"000077.vlog"},
		"both":      {"00077.mem", "000077.vlog"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for i := range 3 {
				s, err := Open(dir, Options{})
				if err != nil {
					t.Fatalf("open %d: %v", i+1, err)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				if i > 0 {
					continue
				}
				for _, f := range files {
					if err := os.WriteFile(filepath.Join(dir, f), nil, 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
		})
	}
}
