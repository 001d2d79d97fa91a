package bundle

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestFindLooksInOrder(t *testing.T) {
	root := t.TempDir()
	at := func(parts ...string) string { return filepath.Join(append([]string{root}, parts...)...) }
	for _, dir := range []string{"spec", "work/build", "bin"} {
		if err := os.MkdirAll(at(dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(at("work"))
	find := func() (string, error) { return Find(at("spec"), at("bin", "slipway"), "1.36.3") }

	_, err := find()
	if err == nil {
		t.Fatal("found a bundle where there is none")
	}
	name := FileName("1.36.3", runtime.GOARCH)
	for _, want := range []string{at("spec"), at("work"), at("work/build"), at("bin"), name, "slipway bundle build --kubernetes 1.36.3"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in: %v", want, err)
		}
	}
	// From the last place to the first: each new one is found before those after it.
	for _, path := range []string{
		at("bin", "slipway-1.36.3-riscv64.bundle"), at("bin", name), at("work/build", name), at("work", name), at("spec", name),
	} {
		for _, other := range []string{path, filepath.Join(filepath.Dir(path), FileName("1.36.33", runtime.GOARCH))} {
			if err := os.WriteFile(other, nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := find(); got != path || err != nil {
			t.Errorf("found %s, %v; expected %s", got, err, path)
		}
	}
}
