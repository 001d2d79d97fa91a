// Package archive is the one file that a cluster can be made again from: a snapshot of its etcd, what it was declared as, and
// the keys that read it, which are sealed to those who may. It is a tar file, so that it opens without Slipway, too:
//
//	manifest.json     what it is and where it came from
//	cluster.hcl       the cluster's declaration; nothing secret in it
//	secrets.age       authorities, the service-account pair and the key that seals Secrets, encrypted with age
//	snapshot.db.zst   etcd's database with the sum that etcd sent behind it, compressed
//	sha256            the sum of every byte of the file before this entry
//
// Whoever has such a file and one of the identities that it is sealed to has the cluster.
package archive

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"time"
)

// Format is the version of the archives that this program writes, and the newest that it reads.
const Format = 1

const (
	manifestEntry = "manifest.json"
	specEntry     = "cluster.hcl"
	secretsEntry  = "secrets.age"
	snapshotEntry = "snapshot.db.zst"
	sumEntry      = "sha256"
)

// block is tar's unit: headers are one, contents are filled up to whole ones.
const block = 512

// TailSize is what stands behind the bytes that are summed: the header of the sum, the sum, and the two empty blocks that end a tar file.
const TailSize = 4 * block

// header is the tar header of an entry, always one block: GNU's form, which has room for any size.
func header(name string, size int64) []byte {
	var b bytes.Buffer
	err := tar.NewWriter(&b).WriteHeader(&tar.Header{Name: name, Size: size, Mode: 0o600, ModTime: time.Unix(0, 0).UTC(), Format: tar.FormatGNU})
	if err != nil {
		panic(err) // the names are those above
	}
	return b.Bytes()
}

// filled is how many bytes fill up size to whole blocks.
func filled(size int64) int64 { return (block - size%block) % block }

// tail is how a file ends whose other bytes have this sum. It has no byte that could be another.
func tail(sum []byte) []byte {
	text := hex.EncodeToString(sum) + "\n"
	out := append(header(sumEntry, int64(len(text))), text...)
	return append(out, make([]byte, TailSize-len(out))...)
}

// sumOf is the sum of the first size bytes.
func sumOf(r io.ReaderAt, size int64) ([]byte, error) {
	h := sha256.New()
	_, err := io.Copy(h, io.NewSectionReader(r, 0, size))
	return h.Sum(nil), err
}
