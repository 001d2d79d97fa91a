package statedir

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/slipway/slipway/pki"
)

// saveForever saves the two sets below dir+".sets" by turns, until it is killed.
func saveForever(dir string) error {
	sets := make([]*pki.Set, 2)
	for i := range sets {
		var err error
		if sets[i], err = readSet(dir, i); err != nil {
			return err
		}
	}
	d, err := Open(dir)
	if err != nil {
		return err
	}
	fmt.Println("open")
	for i := 0; ; i++ {
		if err := d.Save(sets[i%2]); err != nil {
			return err
		}
	}
}

func readSet(dir string, i int) (*pki.Set, error) {
	d, err := View(dir + ".set" + strconv.Itoa(i))
	if err != nil {
		return nil, err
	}
	return d.Load()
}

// twoSets makes two states of one cluster that share no leaf of a node, and puts them beside dir.
// It also returns how long it takes to save one.
func twoSets(t *testing.T, dir string) (out [2]*pki.Set, took time.Duration) {
	t.Helper()
	first := create(t, "cp-1", "cp-2", "cp-3", "w-1")
	files := first.Files()
	maps.DeleteFunc(files, func(name string, _ []byte) bool { return strings.HasPrefix(name, "nodes/") })
	other, err := pki.FromFiles(files)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Ensure(cluster("cp-1", "cp-2", "cp-3", "w-2"), time.Now()); err != nil {
		t.Fatal(err)
	}
	out[0], out[1] = first, other
	for i, set := range out {
		d := open(t, dir+".set"+strconv.Itoa(i))
		start := time.Now()
		if err := d.Save(set); err != nil {
			t.Fatal(err)
		}
		took = time.Since(start)
	}
	return out, took
}

func TestKilledWhileSaving(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	sets, took := twoSets(t, dir)
	seen := map[string]int{}
	for round := range 24 {
		if round%8 == 0 { // now and then from the very first save
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
		}
		cmd := second(t, "save", dir)
		time.Sleep(rand.N(3 * took))
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		if _, err := os.Stat(filepath.Join(dir, commitFile)); err == nil {
			seen["committed but not moved"]++
		} else if _, err := os.Stat(filepath.Join(dir, journalDir)); err == nil {
			seen["not committed"]++
		}
		view, err := View(dir)
		if err != nil {
			t.Fatal(err)
		}
		viewed := which(t, view, sets)
		d, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		if got := which(t, d, sets); got != viewed {
			t.Errorf("round %d: %s before the repair, %s after", round, viewed, got)
		} else {
			seen[got]++
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Log(seen)
}

// TestCommittedSaveIsCarriedOut stops a save after each of its moves.
func TestCommittedSaveIsCarriedOut(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	sets, _ := twoSets(t, dir)
	for moved := 0; ; moved += 20 {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		d, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Save(sets[0]); err != nil {
			t.Fatal(err)
		}
		c, files, err := d.difference(sets[1])
		if err != nil {
			t.Fatal(err)
		}
		if err := d.stage(files, c); err != nil {
			t.Fatal(err)
		}
		for _, name := range c.Move[:min(moved, len(c.Move))] {
			if err := os.MkdirAll(filepath.Dir(d.at(name)), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(d.journaled(c, name), d.at(name)); err != nil {
				t.Fatal(err)
			}
		}
		if got := which(t, d, sets); got != "second" {
			t.Errorf("%d moved: %s before the repair", moved, got)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		if d, err = Open(dir); err != nil {
			t.Fatal(err)
		}
		if got := which(t, d, sets); got != "second" {
			t.Errorf("%d moved: %s after the repair", moved, got)
		}
		if _, err := os.Stat(d.at(journalDir)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the journal is still there: %v", err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		if moved >= len(c.Move) {
			return
		}
	}
}

func which(t *testing.T, d *Dir, sets [2]*pki.Set) string {
	t.Helper()
	got, err := d.Load()
	if errors.Is(err, ErrEmpty) {
		return "empty"
	}
	if err != nil {
		t.Fatal(err)
	}
	for i, set := range sets {
		if maps.EqualFunc(got.Files(), set.Files(), bytes.Equal) {
			return []string{"first", "second"}[i]
		}
	}
	t.Fatal("neither of the two sets, but a mixture")
	return ""
}

func TestViewWhileSaving(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	sets, _ := twoSets(t, dir)
	cmd := second(t, "save", dir)
	for seen := 0; seen < 20; {
		view, err := View(dir)
		if err != nil {
			t.Fatal(err)
		}
		set, err := view.Load()
		switch {
		case err == nil:
			seen++
			if !maps.EqualFunc(set.Files(), sets[0].Files(), bytes.Equal) && !maps.EqualFunc(set.Files(), sets[1].Files(), bytes.Equal) {
				t.Fatal("a mixture of two saves")
			}
		case !errors.Is(err, ErrEmpty) && !strings.Contains(err.Error(), "keeps changing"):
			t.Fatal(err)
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
}
