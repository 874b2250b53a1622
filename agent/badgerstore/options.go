package badgerstore

import (
	"log/slog"

	"github.com/dgraph-io/badger/v4"
)

// valueThreshold is the size from which on Badger stores a value in files of their own.
const valueThreshold = 32 << 10

const (
	// memtable is how much is written before it becomes a table. Badger takes a third more
	// for it at once, twice that for its log, and up to four times for the blocks of the
	// table. The last it keeps, like that of the tables below, up to eight times: with twice
	// as much, the process takes half as much memory again under load that lasts; with half as
	// much, it takes a sixth less, and a fifth less gets done once writers have to wait for
	// tables. A transaction takes at most 15 % of it, which oneTransaction keeps to.
	memtable = 2 << 20
	// largestMemtable is that of the largest log that a bobbin has ever made: Badger cannot
	// replay one in a smaller memtable.
	largestMemtable = 8 << 20

	// tableSize is that of the smallest tables. Badger builds up to eight tables at once,
	// keeps what it has built each of them in for as long as it is busy, and for text that
	// compresses to a third that is six times the size of the table and more. Each table costs
	// three mebibytes of garbage for its index however small it is, and a file that is open.
	tableSize = 256 << 10
	// tableGrowth is how many times as large tables are at each level further down, once there
	// is enough for such levels. The fewer there are the better while nothing happens: of each,
	// however large, its index and its ends are in memory from the start on, as parts of files
	// that are mapped. But when such levels are merged, what is said above of eight tables at once
	// goes for their size: with 4, a store of a million entries needs 150 MiB more for a while.
	tableGrowth = 2

	// tablesAside is how many memtables are written before they are merged into the rest. A
	// merge costs as much as there is in the level below, however little it adds; a read has to
	// ask the filters of so many tables. Writers wait when there are twice as many.
	tablesAside = 8

	// memtablesAside is how many full memtables may wait to become tables beside the one that
	// does. Each holds what it holds of memory, and a second one has no more turns done.
	memtablesAside = 1
)

// options are small where a bot's load allows it. None of them is a setting: what they
// take of memory and what they cost depend on each other.
func options(dir string, log *slog.Logger) badger.Options {
	o := badger.DefaultOptions(dir).
		WithLogger(logger{log}).
		WithMetricsEnabled(false).
		WithMemTableSize(memtable).
		WithNumMemtables(memtablesAside).
		WithBaseTableSize(tableSize).
		WithNumLevelZeroTables(tablesAside).
		WithNumLevelZeroTablesStall(2 * tablesAside).
		WithNumCompactors(2). // the fewest that there may be
		WithValueThreshold(valueThreshold).
		WithValueLogFileSize(64 << 20).
		WithBlockCacheSize(2 << 20). // some blocks of each session that is at work
		WithIndexCacheSize(0).       // it is for encrypted tables; others are read from their file
		WithNumVersionsToKeep(1).
		WithDetectConflicts(true).
		WithSyncWrites(!ownSync).
		WithNumGoroutines(2)
	o.TableSizeMultiplier = tableGrowth
	return o
}
