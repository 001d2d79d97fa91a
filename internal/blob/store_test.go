package blob

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	digest "github.com/opencontainers/go-digest"
)

// stream is a tar of contents, each named by the digest at the same place in names.
func stream(t *testing.T, names []string, contents ...string) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for i, content := range contents {
		if err := w.WriteHeader(&tar.Header{Name: names[i], Size: int64(len(content)), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func entry(t *testing.T, content string) (d, name string) {
	t.Helper()
	d = digest.FromString(content).String()
	name, err := EntryName(d)
	if err != nil {
		t.Fatal(err)
	}
	return d, name
}

func TestReceiveStoresWhatWasMissing(t *testing.T) {
	s := Store{Dir: filepath.Join(t.TempDir(), "store")}
	one, oneName := entry(t, "one")
	two, twoName := entry(t, "two")
	missing, err := s.Missing([]string{one, two, one})
	if err != nil || !cmp.Equal(missing, []string{one, two}) {
		t.Fatalf("missing before: %v, %v", missing, err)
	}
	for range 2 { // a second time replaces
		if err := s.Receive(bytes.NewReader(stream(t, []string{oneName, twoName}, "one", "two"))); err != nil {
			t.Fatal(err)
		}
	}
	if missing, err = s.Missing([]string{one, two}); err != nil || len(missing) != 0 {
		t.Fatalf("missing after: %v, %v", missing, err)
	}
	if got := read(t, s, two); got != "two" {
		t.Errorf("read %q", got)
	}
	if err := errors.Join(s.Remove(two), s.Remove(two)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open(two); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("open after remove: %v", err)
	}
}

func read(t *testing.T, s Store, d string) string {
	t.Helper()
	r, err := s.Open(d)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestReceiveRefusesEveryChangedByte(t *testing.T) {
	content := "a blob of some bytes"
	d, name := entry(t, content)
	for i := range content {
		s := Store{Dir: t.TempDir()}
		changed := []byte(content)
		changed[i] ^= 1
		err := s.Receive(bytes.NewReader(stream(t, []string{name}, string(changed))))
		var corrupt *CorruptError
		if !errors.As(err, &corrupt) || corrupt.Digest != d {
			t.Fatalf("byte %d: %v", i, err)
		}
		if left := files(t, s); len(left) != 0 {
			t.Fatalf("byte %d: left %v", i, left)
		}
	}
}

func files(t *testing.T, s Store) (names []string) {
	t.Helper()
	list, err := os.ReadDir(filepath.Join(s.Dir, "sha256"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		names = append(names, f.Name())
	}
	return names
}

func TestReceiveNamesTheBlobInWhichTheStreamEnds(t *testing.T) {
	_, oneName := entry(t, "one")
	long := strings.Repeat("x", 2000)
	two, twoName := entry(t, long)
	s := Store{Dir: t.TempDir()}
	whole := stream(t, []string{oneName, twoName}, "one", long)
	err := s.Receive(bytes.NewReader(whole[:512+512+512+700]))
	if !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), two) {
		t.Fatal(err)
	}
	if left := files(t, s); len(left) != 1 {
		t.Errorf("expected the first blob alone, there are %v", left)
	}
}

func TestReceiveRefusesOtherEntries(t *testing.T) {
	for _, name := range []string{"manifest.json", "blobs/sha256/../../../etc/passwd", "blobs/sha256/abc", "blobs/sha512/abc"} {
		err := Store{Dir: t.TempDir()}.Receive(bytes.NewReader(stream(t, []string{name}, "x")))
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReceiveSweepsWhatAKilledRunLeft(t *testing.T) {
	s := Store{Dir: t.TempDir()}
	_, name := entry(t, "one")
	if err := s.Receive(bytes.NewReader(stream(t, []string{name}, "one"))); err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(s.Dir, "sha256", tempPrefix+"1")
	if err := os.WriteFile(left, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-2 * staleAfter)
	if err := os.Chtimes(left, old, old); err != nil {
		t.Fatal(err)
	}
	if err := s.Receive(bytes.NewReader(stream(t, nil))); err != nil {
		t.Fatal(err)
	}
	if got := files(t, s); len(got) != 1 {
		t.Errorf("expected one blob, there are %v", got)
	}
}

func TestOpenRemovesACorruptBlob(t *testing.T) {
	s := Store{Dir: t.TempDir()}
	d, name := entry(t, "one")
	if err := s.Receive(bytes.NewReader(stream(t, []string{name}, "one"))); err != nil {
		t.Fatal(err)
	}
	path, err := s.path(d)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("two"), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := s.Open(d)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	_, err = io.ReadAll(r)
	var corrupt *CorruptError
	if !errors.As(err, &corrupt) || corrupt.Digest != d {
		t.Fatal(err)
	}
	if missing, err := s.Missing([]string{d}); err != nil || len(missing) != 1 {
		t.Errorf("missing after: %v, %v", missing, err)
	}
}

func TestAnEmptyBlobIsMissing(t *testing.T) {
	s := Store{Dir: t.TempDir()}
	d, _ := entry(t, "one")
	path, err := s.path(d)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if missing, err := s.Missing([]string{d}); err != nil || !cmp.Equal(missing, []string{d}) {
		t.Errorf("missing: %v, %v", missing, err)
	}
}
