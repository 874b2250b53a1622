package badgerstore

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/dgraph-io/badger/v4"
)

// killed returns a directory with the files of dir as a process leaves them that is killed
// now. Its locks are not copied. What stands in a log may get into a table meanwhile, and
// the log go, so logs come first, and tables after the list of them.
func killed(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	for _, pattern := range []string{"*.mem", "MANIFEST", "*.sst", "*"} {
		names, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			copied := filepath.Join(to, filepath.Base(name))
			if _, err := os.Stat(copied); err == nil || filepath.Base(name) == "LOCK" || pattern == "*" && filepath.Ext(name) == ".mem" {
				continue
			}
			b, err := os.ReadFile(name)
			if err == nil {
				err = os.WriteFile(copied, b, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	return to
}

func TestALogOfALargerMemtableIsReplayed(t *testing.T) {
	former := func(dir string) badger.Options {
		return options(dir, slog.New(slog.DiscardHandler)).WithMemTableSize(largestMemtable).WithValueLogFileSize(1 << 20)
	}
	dir := t.TempDir()
	db, err := badger.Open(former(dir))
	if err != nil {
		t.Fatal(err)
	}
	const records = 16_000 // small ones, which take most of a memtable beside themselves
	value := make([]byte, 300)
	for n := 0; n < records; n += 500 {
		err := db.Update(func(txn *badger.Txn) error {
			for i := range 500 {
				if err := txn.Set(fmt.Appendf(nil, "c/%06d", n+i), value); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	first := killed(t, dir)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if logs, err := filepath.Glob(filepath.Join(first, "*.mem")); err != nil || len(logs) != 1 {
		t.Fatalf("the records are in %d logs, not in one: %v", len(logs), err)
	}

	// It is killed again, with the log open, and then while its tables are written.
	db, err = openMended(former(first))
	if err != nil {
		t.Fatal(err)
	}
	second := killed(t, first)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for name, dir := range map[string]string{"killed while it was replayed": second, "killed when it was in tables": first} {
		t.Run(name, func(t *testing.T) {
			s := openAt(t, dir, Options{})
			found := 0
			err := s.view(func(txn *tx) error {
				return keys(txn, []byte("c/"), func([]byte) error {
					found++
					return nil
				})
			})
			if err != nil || found != records {
				t.Errorf("%d of %d records, error %v", found, records, err)
			}
			accept(t, s, said(place, "M1", "hello"))
		})
	}
}

func TestOneTransactionFitsTheMemtable(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{})
	if room := s.db.MaxBatchSize() - oneTransaction; room < 2*valueThreshold {
		t.Errorf("%d bytes are left beside what goes into one transaction", room)
	}
	if s.db.MaxBatchCount() < 2*maxDeleted {
		t.Errorf("a transaction takes %d records", s.db.MaxBatchCount())
	}
}
