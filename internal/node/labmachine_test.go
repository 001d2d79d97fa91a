//go:build lab && linux

package node_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/lab"
	"github.com/slipway/slipway/internal/node"
)

// machine is a lab machine with a slipway on it.
type machine struct {
	t   *testing.T
	lab *lab.Lab
}

const pushed = "/var/lib/slipway/bin/slipway"

func newLabMachine(t *testing.T) *machine {
	t.Helper()
	dir := t.TempDir()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-ldflags=-s -w", "-o", dir+"/slipway", "./cmd/slipway")
	build.Dir = root
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	bases, err := filepath.Glob(root + "/build/cache/lab-base-*")
	if err != nil {
		t.Fatal(err)
	}
	c := lab.Config{Dir: dir + "/lab", Name: "nodetest", Subnet: netip.MustParsePrefix("10.80.0.0/24"),
		Nodes: []lab.Machine{{Name: "n1", Address: netip.MustParseAddr("10.80.0.5")}}}
	if len(bases) > 0 {
		c.Cache = slices.Max(bases)
	}
	l, err := lab.Up(context.Background(), c, event.Discard)
	if l != nil {
		t.Cleanup(func() {
			if err := l.Down(); err != nil {
				t.Error(err)
			}
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{t, l}
	m.snapshot("true") // warms up what a first login makes
	m.push(dir + "/slipway")
	return m
}

func (m *machine) push(from string) {
	m.t.Helper()
	tar := exec.Command("tar", "-c", "-C", filepath.Dir(from), filepath.Base(from))
	text, err := tar.Output()
	if err != nil {
		m.t.Fatal(err)
	}
	m.must(bytes.NewReader(text), "sh", "-c", "mkdir -p "+filepath.Dir(pushed)+" && tar -x -C "+filepath.Dir(pushed))
}

// run runs a program in the machine.
func (m *machine) run(stdin *bytes.Reader, args ...string) (string, error) {
	m.t.Helper()
	cmd, err := m.lab.Command(context.Background(), "n1", args...)
	if err != nil {
		m.t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if stdin != nil {
		cmd.Stdin = stdin
	}
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, stderr.String())
	}
	return stdout.String(), nil
}

func (m *machine) must(stdin *bytes.Reader, args ...string) string {
	m.t.Helper()
	out, err := m.run(stdin, args...)
	if err != nil {
		m.t.Fatal(err)
	}
	return out
}

func (m *machine) sh(script string) string {
	m.t.Helper()
	return strings.TrimSpace(m.must(nil, "sh", "-c", script))
}

// verb runs a verb of the machine's side.
func (m *machine) verb(in any, verb string) (string, error) {
	m.t.Helper()
	text, err := json.Marshal(in)
	if err != nil {
		m.t.Fatal(err)
	}
	return m.run(bytes.NewReader(text), pushed, "node", verb)
}

func (m *machine) converge(s node.State) (changed []string) {
	m.t.Helper()
	out, err := m.verb(s, "converge")
	if err != nil {
		m.t.Fatal(err)
	}
	err = event.Decode(strings.NewReader(out), event.SinkFunc(func(e event.Event) {
		if e.Kind == event.Changed {
			changed = append(changed, e.Subject)
		}
	}))
	if err != nil {
		m.t.Fatal(err)
	}
	if left := m.diff(s); len(left) > 0 {
		m.t.Fatalf("after converge: %v", left)
	}
	return changed
}

func (m *machine) diff(s node.State) (ids []string) {
	m.t.Helper()
	for _, c := range m.changes(s) {
		ids = append(ids, string(c.Action)+" "+c.ID)
	}
	return ids
}

func (m *machine) changes(s node.State) (list []node.Change) {
	m.t.Helper()
	start := time.Now()
	out, err := m.verb(s, "diff")
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Logf("diff of %d resources: %v", len(s.Resources), time.Since(start).Round(time.Millisecond))
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		m.t.Fatal(err)
	}
	return list
}

// killed converges and kills that after so many seconds, unless it was done before.
func (m *machine) killed(s node.State, after float64) bool {
	m.t.Helper()
	in, err := json.Marshal(s)
	if err != nil {
		m.t.Fatal(err)
	}
	cmd, err := m.lab.Command(context.Background(), "n1", "timeout", "-s", "KILL", fmt.Sprintf("%.3f", after), pushed, "node", "converge")
	if err != nil {
		m.t.Fatal(err)
	}
	cmd.Stdin = bytes.NewReader(in)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() == 1) {
		m.t.Fatalf("%v: %s", err, out)
	}
	return err != nil
}

// snapshot is everything that destroy must leave as it was.
func (m *machine) snapshot(string) string {
	m.t.Helper()
	return m.sh(`find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /tmp -o -path /var/tmp -o -path /var/log/journal -o -path /var/lib/slipway \
		-o -path '/run/systemd' -o -path '/run/udev' -o -path /run/log -o -path /var/lib/systemd -o -path '/var/lib/private' \) -prune -o -printf '%p %y %m %U %l\n' | sort
		for d in /var/lib/containerd /var/lib/kubelet /var/lib/etcd; do find $d -mindepth 1; done
		find /run/systemd/system /etc/systemd -printf '%p\n' | sort
		ip -o link | sed 's/^[0-9]*: //; s/@.*//; s/:.*//' | sort; ip -o addr | awk '{print $2,$4}' | sort; ip route; nft list ruleset
		awk '{print $5}' /proc/self/mountinfo | sort
		find /sys/fs/cgroup -name 'kube*' -o -name k8s.io
		sysctl -a 2>/dev/null | grep -E '^(kernel.panic|vm.overcommit_memory|vm.panic_on_oom|kernel.keys|net.ipv4.ip_forward|net.ipv4.conf.all|net.bridge)' | sort
		systemctl list-units --all --plain --no-legend --type=service | awk '{print $1,$3}' | grep -v -e '^ssh@' -e '^systemd-' -e '^user' | sort`)
}
