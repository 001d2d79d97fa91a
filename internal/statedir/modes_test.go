package statedir

import (
	"os"
	"path/filepath"
	"testing"
)

func TestModes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	if err := os.Mkdir(path, 0o750); err != nil {
		t.Fatal(err)
	}
	_, err := Open(path)
	wantError(t, err, path+" (0750)", "run chmod -R go-rwx "+path)
	if err := os.Chmod(path, 0o700); err != nil {
		t.Fatal(err)
	}
	d := open(t, path)
	if err := d.Save(create(t, "cp-1")); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(path, "pki/ca.key")
	if err := os.Chmod(key, 0o640); err != nil {
		t.Fatal(err)
	}
	_, err = Open(path)
	wantError(t, err, key+" (0640)", "chmod")
	_, err = View(path)
	wantError(t, err, key+" (0640)")

	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	// Where there is no directory to make one in, the file is told of by its own name for it.
	wantError(t, checkModes(file), file+" is not a directory", `"state" in the cluster block`)
	if _, err := Open(file); err == nil {
		t.Error("a plain file was opened as a state directory")
	}
}
