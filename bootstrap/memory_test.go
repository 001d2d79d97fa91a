package bootstrap

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/host"
	"github.com/slipway/slipway/internal/plan"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/internal/status"
)

// TestGoneNodesAreRemembered until they are cleaned: a run cut off in between must not forget a machine.
func TestGoneNodesAreRemembered(t *testing.T) {
	r := newRun(t)
	if err := r.remember(); err != nil {
		t.Fatal(err)
	}
	r.Cluster.Nodes = r.Cluster.Nodes[:1]
	for range 2 { // each time as a new run would
		p := &plan.Plan{}
		r.gone = nil
		if err := r.findGone(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		if len(p.Nodes) != 2 || p.Nodes[0].Name != "w-1" || !p.Nodes[0].Removed || p.Nodes[1].Address != "10.0.0.31" || len(r.gone) != 2 {
			t.Errorf("plan %+v, gone %d", p.Nodes, len(r.gone))
		}
		if err := r.remember(); err != nil {
			t.Fatal(err)
		}
	}
	r.gone = nil
	if err := r.remember(); err != nil {
		t.Fatal(err)
	}
	p := &plan.Plan{}
	if err := r.findGone(t.Context(), p); err != nil || len(p.Nodes) > 0 {
		t.Errorf("%+v, %v", p.Nodes, err)
	}
}

func TestRetire(t *testing.T) {
	r := newRun(t)
	aside, err := r.retire(time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC))
	if err != nil || aside != r.Cluster.StateDir+".destroyed-20260301T123000Z" {
		t.Errorf("%s, %v", aside, err)
	}
	if _, err := os.Stat(aside); err != nil {
		t.Error(err)
	}
}

// TestFetch reads what is there, and takes what is not for nothing rather than for a failure.
func TestFetch(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"ca.crt": "one\n", "it's; $(odd)": "two", "empty": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var paths []string
	for _, name := range []string{"ca.crt", "it's; $(odd)", "empty", "gone"} {
		paths = append(paths, filepath.Join(dir, name))
	}
	got, err := fetch(t.Context(), &machine{host: unprivileged{host.NewLocal()}}, paths)
	if err != nil || len(got) != 2 || string(got[paths[0]]) != "one\n" || string(got[paths[1]]) != "two" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestSSHOptions(t *testing.T) {
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	n := declare("w-1", spec.Worker, "10.0.0.21")
	n.SSH = spec.SSH{User: "debian", Port: 2222, PrivateKey: "/k", KnownHosts: "/h", Timeout: time.Second, SudoPasswordFile: password,
		Bastions: []spec.Bastion{{Address: "gate", Port: 22, User: "jump", PrivateKey: "/j"}}}
	o, err := sshOptions(n)
	if err != nil || o.Name != "w-1" || o.Address != "10.0.0.21" || o.Port != 2222 || o.User != "debian" || o.PrivateKey != "/k" ||
		o.KnownHosts != "/h" || o.Timeout != time.Second || len(o.Bastions) != 1 || o.Bastions[0].User != "jump" || !strings.HasPrefix(string(o.SudoPassword), "hunter2") {
		t.Errorf("%s@%s:%d, %d bastions, %v", o.User, o.Address, o.Port, len(o.Bastions), err)
	}
	n.SSHAddress, n.SSH.SudoPasswordFile = "192.0.2.1", ""
	if o, err := sshOptions(n); err != nil || o.Address != "192.0.2.1" || o.SudoPassword != nil {
		t.Errorf("%s, %v", o.Address, err)
	}
	n.SSH.SudoPasswordFile = password + "-gone"
	if _, err := sshOptions(n); err == nil || !strings.Contains(err.Error(), password+"-gone") {
		t.Errorf("%v", err)
	}
}

// TestViewOfNothing: looking makes nothing, and knows that there is nothing.
func TestViewOfNothing(t *testing.T) {
	c := newRun(t).Cluster
	c.StateDir = filepath.Join(t.TempDir(), "none")
	r, err := View(c, event.Discard)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	s, err := r.Status(t.Context())
	if err != nil || s.Health != status.Absent || len(s.Problems) != 1 || s.Problems[0].Remedy != "slipway apply -f cluster.hcl" {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := r.Kubeconfig(); err == nil || !strings.Contains(err.Error(), "apply the cluster first") {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(c.StateDir); err == nil {
		t.Error("looking made the state directory")
	}
}
