package archive

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func glance(whole []byte) (Manifest, string, error) {
	return Glance("a", int64(len(whole)), func(offset, length int64) ([]byte, error) {
		return whole[offset:min(offset+length, int64(len(whole)))], nil
	})
}

// TestGlance: the beginning and the end say what Open does, and what was cut off or never was an archive is known by them.
func TestGlance(t *testing.T) {
	_, recipient := identity(t)
	path := write(t, contents(t, recipient))
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m, sum, err := glance(whole)
	if err != nil || len(sum) != 64 {
		t.Fatal(sum, err)
	}
	if diff := cmp.Diff(open(t, path).Manifest(), m); diff != "" {
		t.Error(diff)
	}
	var damaged *DamagedError
	for name, content := range map[string][]byte{
		"empty": nil, "cut off": whole[:len(whole)-512], "half": whole[:len(whole)/2/512*512], "odd": whole[:1000], "zeroes": make([]byte, 1<<16),
		"another manifest": append(bytes.Repeat([]byte{'x'}, 2048), whole[2048:]...),
	} {
		if _, _, err := glance(content); !errors.As(err, &damaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
