package bootstrap

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestOlderSnapshotsGo: but only of those that are taken by themselves, and only for newer ones that are whole.
func TestOlderSnapshotsGo(t *testing.T) {
	r := newRun(t)
	r.Sink = &log{}
	dir := filepath.Join(r.dir.Path(), "snapshots")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(name string, cut bool) string {
		data := bytes.Repeat([]byte("slipway "), 64)
		sum := sha256.Sum256(data)
		if data = append(data, sum[:]...); cut {
			data[7]++
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	at := func(day int) time.Time { return time.Date(2026, 11, day, 12, 0, 0, 0, time.UTC) }
	stay := []string{
		write(snapshotName(at(1)), false),                 // by hand
		write("20261102T120000Z-before-1.36.3.db", false), // of a change of version
		write("mine-before-members.db", false),            // whoever has called it so
		write(nameBefore(at(3), beforeRestore), false),    // awaited by a restore
	}
	var gone []string
	for day := 10; day < 13; day++ {
		gone = append(gone, write(nameBefore(at(day), beforeDefrag), day == 11))
	}
	for day := 13; day < 19; day++ {
		stay = append(stay, write(nameBefore(at(day), beforeMembers), day == 14 || day == 15)) // two of them stand in for nothing
	}
	just := filepath.Join(dir, nameBefore(at(2), beforeRemove)) // a clock that was set back
	stay = append(stay, write(filepath.Base(just), true))
	j := restoration{File: filepath.Join(dir, nameBefore(at(3), beforeRestore)), Begun: at(3)}
	if err := r.dir.Put(restoreFile, j); err != nil {
		t.Fatal(err)
	}

	r.dropOlder(just, r.Sink)
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, e := range list {
		left = append(left, e.Name())
	}
	slices.Sort(stay)
	if !slices.Equal(left, stay) {
		t.Errorf("left are %v, want %v without %v", left, stay, gone)
	}
	for _, name := range gone {
		if !told(r.Sink.(*log), "changed", fmt.Sprintf("%s is removed: %d newer ones are whole", filepath.Join(dir, name), keptBefore)) {
			t.Errorf("nobody was told of %s", name)
		}
	}
}
