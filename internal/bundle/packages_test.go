package bundle

import (
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/slipway/slipway/internal/event"
)

// TestProgramsOfPackagesRun runs, in a root made of an image's Debian layer alone, what pods call
// there: a library or link too few shows here and not in a cluster.
func TestProgramsOfPackagesRun(t *testing.T) {
	needMmdebstrap(t)
	if os.Geteuid() != 0 {
		t.Skip("needs root for chroot")
	}
	programs := map[string][]string{
		"kube-proxy": {"nft --version", "iptables --version", "iptables-save --version", "iptables-restore --version",
			"ip6tables --version", "ip6tables-restore --version", "conntrack --version", "ipset --version", "modprobe --version"},
		"loadbalancer": {"haproxy -v", "keepalived --version", "sh -c true", "bash -c true", "sleep 0"},
	}
	d := debian{lists: "../../distro/debian", cache: t.TempDir(), arch: runtime.GOARCH}
	var seen []string
	for _, image := range images() {
		for _, l := range image.layers {
			if l.debian == "" || slices.Contains(seen, l.debian) {
				continue
			}
			seen = append(seen, l.debian)
			root := extract(t, d, l)
			for _, program := range programs[l.debian] {
				if out, err := runIn(root, program); err != nil {
					t.Errorf("%s: %s: %v: %s", l.debian, program, err, out)
				}
			}
		}
	}
	if len(seen) != len(programs) {
		t.Errorf("layers need the lists %v, of which some have no programs to try", seen)
	}
}

func extract(t *testing.T, d debian, l layer) (root string) {
	t.Helper()
	made, err := d.unpack(t.Context(), l.debian, event.Discard)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(made.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	files, err := l.tree(nil, f)
	if err != nil {
		t.Fatal(err)
	}
	root = t.TempDir()
	full := files.withParents()
	for _, name := range slices.Sorted(maps.Keys(full)) {
		if err := extractEntry(filepath.Join(root, name), full[name]); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func extractEntry(path string, e treeEntry) error {
	switch e.mode.Type() {
	case fs.ModeDir:
		return os.Mkdir(path, e.mode.Perm())
	case fs.ModeSymlink:
		return os.Symlink(e.link, path)
	}
	r, err := e.open()
	if err != nil {
		return err
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	return os.WriteFile(path, content, e.mode.Perm())
}

// runIn runs a program by its name on the PATH that images have.
func runIn(root, program string) (string, error) {
	args := strings.Fields(program)
	for _, dir := range []string{"/usr/sbin", "/usr/bin", "/sbin", "/bin"} {
		if _, err := os.Lstat(filepath.Join(root, dir, args[0])); err != nil {
			continue
		}
		cmd := exec.Command(filepath.Join(dir, args[0]), args[1:]...)
		cmd.Err, cmd.Dir = nil, "/" // looked up in root, not here
		cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root}
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	return "", fs.ErrNotExist
}
