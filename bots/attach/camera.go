package attach

import (
	"bytes"
	"encoding/binary"
)

// orientation returns how a JPEG is to be turned, 1 to 8 as EXIF counts them; 1 if it does
// not say.
func orientation(data []byte) int {
	for at := 2; at+4 <= len(data) && data[at] == 0xff; {
		marker, length := data[at+1], int(binary.BigEndian.Uint16(data[at+2:]))
		if marker == 0xda || length < 2 || at+2+length > len(data) { // the picture itself begins
			return 1
		}
		segment := data[at+4 : at+2+length]
		if marker == 0xe1 && bytes.HasPrefix(segment, []byte("Exif\x00\x00")) {
			return orientationIn(segment[6:])
		}
		at += 2 + length
	}
	return 1
}

// orientationIn looks the orientation up in a TIFF's first list of tags.
func orientationIn(tiff []byte) int {
	if len(tiff) < 8 {
		return 1
	}
	var order binary.ByteOrder = binary.BigEndian
	if tiff[0] == 'I' {
		order = binary.LittleEndian
	}
	at := uint64(order.Uint32(tiff[4:]))
	if at+2 > uint64(len(tiff)) {
		return 1
	}
	n := uint64(order.Uint16(tiff[at:]))
	for i := range n {
		tag := at + 2 + 12*i
		if tag+12 > uint64(len(tiff)) {
			return 1
		}
		if order.Uint16(tiff[tag:]) == 0x0112 {
			if o := int(order.Uint16(tiff[tag+8:])); o >= 1 && o <= 8 {
				return o
			}
			return 1
		}
	}
	return 1
}

// withoutNotes takes what a camera wrote out of a WebP picture.
func withoutNotes(data []byte) []byte {
	out := bytes.Clone(data[:12])
	for at := 12; at+8 <= len(data); {
		name, n := string(data[at:at+4]), int64(binary.LittleEndian.Uint32(data[at+4:]))
		end := min(int64(at)+8+n+n%2, int64(len(data)))
		chunk := data[at:end]
		at = int(end)
		switch name {
		case "EXIF", "XMP ":
			continue
		case "VP8X":
			chunk = bytes.Clone(chunk)
			if len(chunk) > 8 {
				chunk[8] &^= 0x08 | 0x04 // there are neither
			}
		}
		out = append(out, chunk...)
	}
	binary.LittleEndian.PutUint32(out[4:], uint32(len(out)-8)) //nolint:gosec // no longer than before
	return out
}

// sizeOfWebP reads the size of a WebP picture from its first chunk.
func sizeOfWebP(data []byte) (width, height int, ok bool) {
	if len(data) < 30 {
		return 0, 0, false
	}
	switch string(data[12:16]) {
	case "VP8X":
		return 1 + int24(data[24:]), 1 + int24(data[27:]), true
	case "VP8L":
		bits := binary.LittleEndian.Uint32(data[21:])
		return 1 + int(bits&0x3fff), 1 + int(bits>>14&0x3fff), data[20] == 0x2f
	case "VP8 ":
		return int(binary.LittleEndian.Uint16(data[26:]) & 0x3fff), int(binary.LittleEndian.Uint16(data[28:]) & 0x3fff), string(data[23:26]) == "\x9d\x01\x2a"
	}
	return 0, 0, false
}

func int24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }
