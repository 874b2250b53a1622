package badgerstore

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
)

// A backup is a stream of records in the order of their keys, in a form of our own: what
// Badger writes for itself also holds versions of values that were replaced since, and
// ends anywhere without being found incomplete.
//
//	magic     "bobbin backup\r\n\x1a"   a transfer as text damages it
//	version   1 byte
//	record    length of the key (1 or more), key, expiry (Unix seconds; 0: never),
//	          length of the value, value
//	…
//	end       0, number of records
//	trailer   SHA-256 of all before it
//
// Numbers are unsigned varints.
const (
	backupMagic   = "bobbin backup\r\n\x1a"
	backupVersion = 1

	maxKey   = 65_000   // Badger's own bound
	maxValue = 64 << 20 // the size of a value log file, which no value exceeds
)

// Errors of a backup that is read.
var (
	ErrNotBackup     = errors.New("this is no backup of bobbin's")
	ErrBackupDamaged = errors.New("the backup is damaged")
	ErrBackupNewer   = errors.New("the backup was written by a newer bobbin")
)

// record is one key of a backup.
type record struct {
	key, value []byte
	expires    uint64
}

// recordWriter writes a backup.
type recordWriter struct {
	w     *bufio.Writer
	sum   hash.Hash
	count uint64
}

func newRecordWriter(w io.Writer) (*recordWriter, error) {
	sum := sha256.New()
	b := &recordWriter{w: bufio.NewWriterSize(io.MultiWriter(w, sum), 64<<10), sum: sum}
	_, err := b.w.WriteString(backupMagic + string(rune(backupVersion)))
	return b, err
}

func (b *recordWriter) write(r record) error {
	b.count++
	_, err := b.w.Write(r.append(nil))
	return err
}

func (r record) append(to []byte) []byte {
	to = binary.AppendUvarint(to, uint64(len(r.key)))
	to = append(to, r.key...)
	to = binary.AppendUvarint(to, r.expires)
	to = binary.AppendUvarint(to, uint64(len(r.value)))
	return append(to, r.value...)
}

// end writes what proves that the backup is complete.
func (b *recordWriter) end(w io.Writer) error {
	if _, err := b.w.Write(binary.AppendUvarint([]byte{0}, b.count)); err != nil {
		return err
	}
	if err := b.w.Flush(); err != nil {
		return err
	}
	_, err := w.Write(b.sum.Sum(nil))
	return err
}

// readRecords calls f for each record of a backup. What f gets is good until it returns,
// and known to be undamaged only when readRecords has returned nil.
func readRecords(ctx context.Context, r io.Reader, f func(record) error) error {
	in := &recordReader{r: bufio.NewReaderSize(r, 64<<10), sum: sha256.New()}
	if err := in.start(); err != nil {
		return err
	}
	for n := uint64(0); ; n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		r, err := in.next()
		if err != nil {
			return err
		}
		if len(r.key) == 0 {
			return in.end(n)
		}
		if err := f(r); err != nil {
			return err
		}
	}
}

// recordReader reads a backup and adds up what it has read.
type recordReader struct {
	r   *bufio.Reader
	sum hash.Hash
	buf bytes.Buffer // of one record
}

// fill reads the next n bytes into the buffer, which grows only as far as there is
// something to read.
func (b *recordReader) fill(n, limit uint64) error {
	if n > limit {
		return fmt.Errorf("%w: it has a length of %d bytes", ErrBackupDamaged, n)
	}
	_, err := io.CopyN(io.MultiWriter(&b.buf, b.sum), b.r, int64(n)) //nolint:gosec // at most limit
	return cutShort(err)
}

func cutShort(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it is cut short", ErrBackupDamaged)
	}
	return err
}

func (b *recordReader) number() (n uint64, err error) {
	for shift := 0; shift < 64; shift += 7 {
		c, err := b.r.ReadByte()
		if err != nil {
			return 0, cutShort(err)
		}
		b.sum.Write([]byte{c})
		n |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return n, nil
		}
	}
	return 0, fmt.Errorf("%w: it has a number without end", ErrBackupDamaged)
}

func (b *recordReader) start() error {
	if err := b.fill(uint64(len(backupMagic))+1, maxKey); errors.Is(err, ErrBackupDamaged) {
		return ErrNotBackup
	} else if err != nil {
		return err
	}
	magic, version := b.buf.Bytes()[:len(backupMagic)], b.buf.Bytes()[len(backupMagic)]
	switch {
	case string(magic) != backupMagic:
		return ErrNotBackup
	case version > backupVersion:
		return fmt.Errorf("%w (format %d, this one knows %d)", ErrBackupNewer, version, backupVersion)
	}
	return nil
}

// next reads a record; at the end it is without a key.
func (b *recordReader) next() (r record, err error) {
	b.buf.Reset()
	size, err := b.number()
	if err != nil || size == 0 {
		return r, err
	}
	if err := b.fill(size, maxKey); err != nil {
		return r, err
	}
	if r.expires, err = b.number(); err != nil {
		return r, err
	}
	length, err := b.number()
	if err != nil {
		return r, err
	}
	if err := b.fill(length, maxValue); err != nil {
		return r, err
	}
	r.key, r.value = b.buf.Bytes()[:size:size], b.buf.Bytes()[size:]
	return r, nil
}

// end checks what proves that n records are all there are.
func (b *recordReader) end(n uint64) error {
	count, err := b.number()
	if err != nil {
		return err
	}
	trailer := make([]byte, sha256.Size)
	if _, err := io.ReadFull(b.r, trailer); err != nil {
		return cutShort(err)
	}
	if !bytes.Equal(trailer, b.sum.Sum(nil)) || count != n {
		return fmt.Errorf("%w: its checksum is wrong", ErrBackupDamaged)
	}
	if _, err := b.r.ReadByte(); err == nil {
		return fmt.Errorf("%w: something follows its end", ErrBackupDamaged)
	} else if !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}
