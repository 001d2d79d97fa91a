package spec

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDrillsAreAgreedTo(t *testing.T) {
	operator(t)
	silent := load(t, source(t, one), LoadOptions{})
	willing := load(t, source(t, one+"drill { allow = [\"upgrade\"] }\n"), LoadOptions{})
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"the file allows it":     {willing.Agree("upgrade", ""), ""},
		"another drill":          {willing.Agree("watch", ""), `drill { allow = ["watch"] }`},
		"nobody said so":         {silent.Agree("upgrade", ""), "--agree prod"},
		"the cluster is named":   {silent.Agree("upgrade", "prod"), ""},
		"another one is named":   {silent.Agree("upgrade", "test"), `--agree names "test", and the file's cluster is "prod"`},
		"the place is told, too": {silent.Agree("upgrade", ""), "cluster.hcl line 2"},
	} {
		t.Run(name, func(t *testing.T) {
			switch {
			case c.want == "" && c.err != nil:
				t.Error(c.err)
			case c.want != "" && (c.err == nil || !strings.Contains(c.err.Error(), c.want)):
				t.Errorf("%v, want %q", c.err, c.want)
			}
		})
	}
}

// TestAnotherVersionThanTheFiles: a drill upgrades to what the file does not say yet.
func TestAnotherVersionThanTheFiles(t *testing.T) {
	operator(t)
	path := source(t, strings.Replace(one, "1.36.3", "1.35.4", 1))
	if c := load(t, path, LoadOptions{Kubernetes: "1.36.3"}); c.Kubernetes != "1.36.3" {
		t.Error(c.Kubernetes)
	}
	if c := load(t, path, LoadOptions{}); c.Kubernetes != "1.35.4" {
		t.Error(c.Kubernetes)
	}
}

func TestWriteVersion(t *testing.T) {
	operator(t)
	const text = "# mine\ncluster \"prod\" { \n  kubernetes   =   \"1.35.4\" # not yet\n}\nnode \"cp-1\" {\n  role    = \"control-plane\"\n  address = \"10.0.0.11\"\n}\n"
	path := source(t, text)
	link := filepath.Join(t.TempDir(), "link.hcl")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	c := load(t, link, LoadOptions{})
	if err := c.WriteVersion("1.36.3"); err != nil {
		t.Fatal(err)
	}
	if got := string(read(t, path)); got != strings.Replace(text, "1.35.4", "1.36.3", 1) {
		t.Errorf("the file is now\n%s", got)
	}
	if info, err := os.Lstat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is one no more: %v", err)
	}
}

// TestWriteVersionOfAComputedOne changes nothing.
func TestWriteVersionOfAComputedOne(t *testing.T) {
	operator(t)
	text := "variable \"v\" { default = \"1.35.4\" }\n" + strings.Replace(one, `"1.36.3"`, "var.v", 1)
	path := source(t, text)
	err := load(t, path, LoadOptions{}).WriteVersion("1.36.3")
	if err == nil || !strings.Contains(err.Error(), "line 4: kubernetes = var.v is computed") {
		t.Error(err)
	}
	if got := string(read(t, path)); got != text {
		t.Errorf("the file is now\n%s", got)
	}
}

// TestWriteVersionOfAnEditedFile: what was read is not what is there any more.
func TestWriteVersionOfAnEditedFile(t *testing.T) {
	operator(t)
	path := source(t, one)
	c := load(t, path, LoadOptions{})
	write(t, path, []byte("# a line more\n"+one), 0o644)
	if err := c.WriteVersion("1.35.4"); err == nil {
		t.Errorf("the file is now\n%s", read(t, path))
	}
}
