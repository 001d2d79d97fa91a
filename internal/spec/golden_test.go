package spec

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestRefusals loads every testdata/*.hcl and compares what the user sees with the golden file beside it.
// The files are loaded from a folder of their own, since git keeps no file modes for the keys.
func TestRefusals(t *testing.T) {
	golden, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	cases, err := filepath.Glob("testdata/*.hcl")
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	home := operator(t)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "keys/id"), read(t, filepath.Join(home, ".ssh/id_ed25519")), 0o600)
	write(t, filepath.Join(dir, "keys/open"), read(t, filepath.Join(home, ".ssh/id_ed25519")), 0o644)
	write(t, filepath.Join(dir, "keys/id.pub"), read(t, filepath.Join(home, ".ssh/id_ed25519.pub")), 0o600)
	write(t, filepath.Join(dir, "keys/garbage"), []byte("not a key\n"), 0o600)
	write(t, filepath.Join(dir, "keys/empty"), nil, 0o600)
	write(t, filepath.Join(dir, "keys/s3"), []byte("[default]\naws_access_key_id = a\naws_secret_access_key = hunter2\n"), 0o644)
	for _, c := range cases {
		write(t, filepath.Join(dir, filepath.Base(c)), read(t, c), 0o644)
	}
	t.Chdir(dir)
	for _, c := range cases {
		file := filepath.Base(c)
		t.Run(strings.TrimSuffix(file, ".hcl"), func(t *testing.T) {
			cluster, err := Read(file, LoadOptions{})
			if err == nil {
				t.Fatalf("accepted: %+v", cluster)
			}
			got := strings.ReplaceAll(err.Error(), dir, "$DIR") + "\n"
			if strings.Contains(got, "hunter2") || strings.Contains(got, "c2VjcmV0") {
				t.Errorf("the secret is shown:\n%s", got)
			}
			path := filepath.Join(golden, strings.TrimSuffix(file, ".hcl")+".golden")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(read(t, path)), got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
