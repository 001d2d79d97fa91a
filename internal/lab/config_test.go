//go:build linux

package lab

import (
	"maps"
	"net/netip"
	"strings"
	"testing"
)

func TestConfigFaults(t *testing.T) {
	node := func(name, address string) Machine { return Machine{Name: name, Address: netip.MustParseAddr(address)} }
	for _, c := range []struct {
		about  string
		config Config
		wants  []string
	}{
		{"fine", Config{Nodes: []Machine{node("cp-1", "10.77.0.11")}}, nil},
		{"none", Config{}, []string{"at least one machine"}},
		{"long name", Config{Name: "abcdefghij", Nodes: []Machine{node("a", "10.77.0.11")}}, []string{`lab name "abcdefghij"`}},
		{"path", Config{Dir: "/tmp/a:b", Nodes: []Machine{node("a", "10.77.0.11")}}, []string{`"/tmp/a:b"`}},
		{"narrow", Config{Subnet: netip.MustParsePrefix("10.1.0.0/30"), Nodes: []Machine{node("a", "10.1.0.2")}}, []string{"/29 or wider"}},
		{"all at once", Config{Nodes: []Machine{
			node("a", "10.77.0.11"), node("a", "10.77.0.12"), node("b", "10.77.0.11"), node("c", "10.77.0.1"),
			node("d", "10.78.0.1"), node("E", "10.77.0.13"), node("f;g", "10.77.0.14"),
		}}, []string{
			"machine a is declared twice", "machine b: address 10.77.0.11 belongs to a", "10.77.0.1 belongs to the bridge",
			"machine d: address 10.78.0.1 lies outside the lab's subnet 10.77.0.0/24", `"E"`, `"f;g"`,
		}},
		{"quote", Config{Nodes: []Machine{node("a", "10.77.0.11")}, Restart: []string{"/tmp/it's"}}, []string{"restart command"}},
	} {
		_, err := c.config.complete()
		if (err != nil) != (len(c.wants) > 0) {
			t.Errorf("%s: %v", c.about, err)
			continue
		}
		for _, want := range c.wants {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q does not say %q", c.about, err, want)
			}
		}
	}
}

// Interface names longer than 15 characters are refused by the kernel.
func TestNamesFitTheKernel(t *testing.T) {
	l := &Lab{state: state{Name: "abcdefghi", Machines: make([]Machine, 200)}}
	for _, name := range []string{l.bridge(), l.instance(199).veth(), l.instance(199).natVeth()} {
		if len(name) > 15 {
			t.Errorf("%s is too long for an interface's name", name)
		}
	}
}

func TestMemberships(t *testing.T) {
	mounts := map[string]string{
		"/sys/fs/cgroup/cpu,cpuacct": "rw,nosuid,cpu,cpuacct", "/sys/fs/cgroup/cpuset": "rw,cpuset",
		"/sys/fs/cgroup/systemd": "rw,xattr,name=systemd", "/sys/fs/cgroup/unified": "",
	}
	got := memberships("9:name=systemd:/user\n4:cpu,cpuacct:/a\n3:cpuset:/\n2:pids:/not-mounted\n0::/own\n", mounts)
	want := map[string]string{
		"/sys/fs/cgroup/cpu,cpuacct": "/a", "/sys/fs/cgroup/cpuset": "/",
		"/sys/fs/cgroup/systemd": "/user", "/sys/fs/cgroup/unified": "/own",
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestRecipeNamesItsBase(t *testing.T) {
	if a, b := recipeHash(), recipeHash(); a != b || len(a) != 12 {
		t.Errorf("hashes %q and %q", a, b)
	}
}
