package archive

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func bytesOf(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestEveryByteCounts: one bit anywhere, or an end that came too early or too late, and the archive does not open.
func TestEveryByteCounts(t *testing.T) {
	_, recipient := identity(t)
	whole := bytesOf(t, write(t, contents(t, recipient)))
	refused := func(what string, at int, b []byte) {
		t.Helper()
		_, err := read("a", bytes.NewReader(b), int64(len(b)))
		var damaged *DamagedError
		if !errors.As(err, &damaged) {
			t.Fatalf("%s at %d of %d: %v", what, at, len(whole), err)
		}
	}
	if _, err := read("a", bytes.NewReader(whole), int64(len(whole))); err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		for _, bit := range []byte{0x01, 0x20, 0x80} {
			whole[i] ^= bit
			refused("flipped", i, whole)
			whole[i] ^= bit
		}
		refused("cut", i, whole[:i])
	}
	for _, more := range []int{1, block, 2 * block, TailSize} {
		refused("longer", len(whole)+more, append(bytes.Clone(whole), make([]byte, more)...))
	}
}

// resum puts the sum that belongs there behind a body.
func resum(t testing.TB, body []byte) []byte {
	t.Helper()
	sum, err := sumOf(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	return append(bytes.Clone(body), tail(sum)...)
}

// TestSoundSumAndWrongContents: somebody who can compute a sum gets no further than to an error.
func TestSoundSumAndWrongContents(t *testing.T) {
	_, recipient := identity(t)
	c := contents(t, recipient)
	whole := bytesOf(t, write(t, c))
	body := whole[:len(whole)-TailSize]
	untilSpec := body[:bytes.Index(body, header(specEntry, int64(len(c.Spec))))]
	for name, c := range map[string]struct {
		body []byte
		want string
	}{
		"empty":          {nil, "holds no manifest.json"},
		"another order":  {append(bytes.Clone(header(specEntry, 0)), body...), "where manifest.json belongs"},
		"newer":          {bytes.Replace(body, []byte(`"format": 1`), []byte(`"format": 7`), 1), "it is in format 7"},
		"unknown field":  {bytes.Replace(body, []byte(`"taken"`), []byte(`"tokan"`), 1), "tokan"},
		"missing field":  {bytes.Replace(body, []byte(`"node": "cp-2"`), []byte(`"node": ""    `), 1), "says no node"},
		"something more": {append(bytes.Clone(body), make([]byte, block)...), "does not end where"},
		"huge spec":      {append(bytes.Clone(untilSpec), header(specEntry, 1<<40)...), "cluster.hcl has"},
	} {
		b := resum(t, c.body)
		if _, err := read("a", bytes.NewReader(b), int64(len(b))); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	b := resum(t, bytes.Replace(body, []byte(`"size": 12320`), []byte(`"size": 12321`), 1))
	a, err := read("a", bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "etcd.db")
	if err := a.ExtractSnapshot(to); err == nil || !strings.Contains(err.Error(), "not the snapshot") {
		t.Errorf("a snapshot of another size: %v", err)
	}
	if _, err := os.Stat(to); !os.IsNotExist(err) {
		t.Errorf("something was extracted: %v", err)
	}
}

func FuzzOpen(f *testing.F) {
	key, recipient := identity(f)
	whole := bytesOf(f, write(f, contents(f, recipient)))
	f.Add(whole[:len(whole)-TailSize])
	f.Add([]byte{})
	f.Add(header(manifestEntry, 1<<50))
	f.Fuzz(func(t *testing.T, body []byte) {
		b := resum(t, body)
		a, err := read("a", bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		// What opens must be told of truly, or not at all.
		if secrets, err := a.Secrets(key); err == nil && len(secrets) == 0 {
			t.Error("no keys, and no error")
		}
		var snapshot bytes.Buffer
		if err := a.WriteSnapshot(&snapshot); err == nil && int64(snapshot.Len()) != a.Manifest().Snapshot.Size {
			t.Error("another snapshot than the manifest tells of, and no error")
		}
	})
}
