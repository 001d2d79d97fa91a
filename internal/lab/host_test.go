//go:build linux

package lab

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/slipway/slipway/internal/event"
)

// The test binary stands in for slipway where a test needs a second process.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "lab-restart" {
		os.Exit(exitCode(restart(os.Args[2], os.Args[3])))
	}
	if len(os.Args) == 5 && os.Args[1] == "lab-up" {
		_, err := Up(context.Background(), testConfig(os.Args[2], os.Args[3], os.Args[4]), event.Discard)
		os.Exit(exitCode(err))
	}
	os.Exit(m.Run())
}

func exitCode(err error) int {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func restart(dir, name string) error {
	l, err := Open(dir)
	if err != nil {
		return err
	}
	return l.Restart(name)
}

func testConfig(name, dir, subnet string) Config {
	prefix := netip.MustParsePrefix(subnet)
	first := prefix.Addr().Next().Next()
	return Config{
		Name: name, Dir: dir, Subnet: prefix,
		Cache:   filepath.Join("..", "..", defaultCache()),
		Nodes:   []Machine{{Name: "a", Address: first}, {Name: "b", Address: first.Next()}},
		Restart: []string{os.Args[0], "lab-restart", dir},
		NAT:     name == "nat",
	}
}

// upTest makes a lab of two machines, a and b, that the test's end takes down.
func upTest(t *testing.T, name, subnet string) *Lab {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("makes machines, which needs root")
	}
	dir := filepath.Join(t.TempDir(), "lab")
	if left := traces(t, name, dir); len(left) > 0 {
		t.Fatalf("before the lab: %q", left)
	}
	t.Cleanup(func() {
		if err := Remove(dir); err != nil {
			t.Error(err)
		}
		if left := traces(t, name, dir); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
	})
	l, err := Up(t.Context(), testConfig(name, dir, subnet), testSink(t))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func testSink(t *testing.T) event.Sink {
	return event.SinkFunc(func(e event.Event) { t.Log(e.Node, e.Subject, e.Message) })
}

// traces is all that a lab has on the host, sorted: other labs may come and go meanwhile.
func traces(t *testing.T, name, dir string) []string {
	t.Helper()
	var found []string
	mounts, err := mountsUnder(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range mounts {
		found = append(found, "mount "+at)
	}
	links, err := netlink.LinkList()
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		if n := link.Attrs().Name; n == "lab-"+name || strings.HasPrefix(n, "v-"+name+"-") || strings.HasPrefix(n, "n-"+name+"-") {
			found = append(found, "link "+n)
		}
	}
	for _, pattern := range []string{
		"/run/systemd/nspawn/*/lab-" + name + "-*", dir,
		"/sys/fs/cgroup/*/slipway-lab-" + name, "/sys/fs/cgroup/*/*/*/slipway-lab-" + name, "/sys/fs/cgroup/*/lab-" + name + "-*",
	} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range paths {
			found = append(found, "path "+p)
		}
	}
	pids, err := findProcesses(func(pid int) bool {
		cgroup, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
		cmdline, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		return strings.Contains(string(cgroup), "lab-"+name+"/") || strings.Contains(string(cgroup), "lab-"+name+"-") ||
			strings.Contains(string(cmdline), "--directory="+dir+"/")
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, pid := range pids {
		status := statusOf(pid)
		if !strings.Contains(status, "\nState:\tZ") { // dead, only not yet reaped by the host's init
			cgroup, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
			found = append(found, fmt.Sprintf("process %d %s %s", pid, status, cgroup))
		}
	}
	slices.Sort(found)
	return found
}

// eventually polls until met is true.
func eventually(t *testing.T, what string, met func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !met(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("never: " + what)
		}
	}
}
