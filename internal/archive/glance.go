package archive

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
)

// Glance reads what a file of that size says it is, from its first bytes and its last: an archive that was not cut off, and the sum
// that it ends with, in hex. Whether its other bytes are those that were written, only Open tells. What is no archive is a
// *DamagedError.
func Glance(path string, size int64, read func(offset, length int64) ([]byte, error)) (m Manifest, sum string, err error) {
	a := &Archive{path: path, size: size}
	if size < TailSize+2*block || size%block != 0 {
		return m, "", a.damaged("it is cut off, or no archive: %d bytes are no whole blocks", size)
	}
	end, err := read(size-TailSize, TailSize)
	if err != nil {
		return m, "", err
	}
	hash := make([]byte, sha256.Size)
	if len(end) == TailSize {
		_, err = hex.Decode(hash, end[block:block+2*sha256.Size])
	}
	if err != nil || !bytes.Equal(end, tail(hash)) {
		return m, "", a.damaged("it is cut off, or no archive: it does not end with its sum")
	}
	head, err := read(0, block)
	if err != nil {
		return m, "", err
	}
	h, err := a.next(tar.NewReader(bytes.NewReader(head)), manifestEntry)
	if err != nil {
		return m, "", err
	}
	if h.Size == 0 || h.Size > mostManifest {
		return m, "", a.damaged("%s has %d bytes, expected 1 to %d", manifestEntry, h.Size, mostManifest)
	}
	text, err := read(block, h.Size)
	if err != nil {
		return m, "", err
	}
	if m, err = decodeManifest(text); err != nil {
		return m, "", a.damaged("%v", err)
	}
	return m, hex.EncodeToString(hash), nil
}
