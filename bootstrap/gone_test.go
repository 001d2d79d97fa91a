package bootstrap

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/slipway/slipway/internal/host/hosttest"
	"github.com/slipway/slipway/internal/plan"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/internal/statedir"
)

// reachable is how a real SSH server on this machine is reached; silent is a port where none is.
func reachable(t *testing.T) (reachable, silent spec.SSH) {
	t.Helper()
	server := hosttest.Serve(t, hosttest.Setup{})
	reachable = spec.SSH{User: "root", Port: server.Port, PrivateKey: server.Key, KnownHosts: hosttest.KnownHosts(t, server), Timeout: 5 * time.Second}
	silent = reachable
	silent.Port = 1
	return reachable, silent
}

func gone(name string, how spec.SSH) spec.Node {
	return spec.Node{Name: name, Role: spec.Worker, Address: netip.MustParseAddr("10.0.0.2" + name[len(name)-1:]), SSHAddress: "127.0.0.1", SSH: how}
}

// out is the same as one that left the cluster before.
func out(r *Run, name string, how spec.SSH) statedir.Left {
	return statedir.Left{Node: gone(name, how), Cluster: r.certs.ClusterID()}
}

func kept(t *testing.T, r *Run) (nodes, left string) {
	t.Helper()
	n, err := r.dir.Nodes()
	if err != nil {
		t.Fatal(err)
	}
	l, err := r.dir.Left()
	if err != nil {
		t.Fatal(err)
	}
	var leftNodes []spec.Node
	for _, one := range l {
		leftNodes = append(leftNodes, one.Node)
	}
	return names(n), names(leftNodes)
}

// TestLeftMachines: one that answers again is planned to be cleaned; one that does not is told of, with the
// remedy, and is no change; one that joined again unseen has to leave again.
func TestLeftMachines(t *testing.T) {
	r := newRun(t)
	up, down := reachable(t)
	if err := r.dir.PutNodes(r.Cluster.Nodes, out(r, "w-5", up), out(r, "w-6", down), out(r, "w-7", down)); err != nil {
		t.Fatal(err)
	}
	serveNodes(t, r, registered("w-7", "worker", "10.0.0.27"))
	p := &plan.Plan{}
	if err := r.findGone(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if len(p.Nodes) != 2 || p.Nodes[0].Name != "w-5" || p.Nodes[1].Name != "w-7" || !p.Nodes[0].Removed || !p.Nodes[1].Removed {
		t.Errorf("%+v", p.Nodes)
	}
	if len(p.Warnings) != 1 || !strings.HasPrefix(p.Warnings[0], "w-6: it is out of the cluster") ||
		!strings.Contains(p.Warnings[0], "bring it back and apply again") || !strings.Contains(p.Warnings[0], "slipway apply -f cluster.hcl --forget w-6") {
		t.Errorf("%q", p.Warnings)
	}
	if err := r.remember(); err != nil {
		t.Fatal(err)
	}
	if nodes, left := kept(t, r); nodes != "cp-1, lb-1, w-1, w-7" || left != "w-5, w-6" {
		t.Errorf("%s; left %s", nodes, left)
	}
}

// TestForget gives up what does not answer, and nothing else.
func TestForget(t *testing.T) {
	r := newRun(t)
	up, down := reachable(t)
	if err := r.dir.PutNodes(append(slices.Clone(r.Cluster.Nodes), gone("w-4", down)), out(r, "w-5", up), out(r, "w-6", down)); err != nil {
		t.Fatal(err)
	}
	for name, why := range map[string]string{"w-1": "take its block out first", "w-9": "no machine of that name"} {
		r.Forget = []string{"w-6", name}
		var wrong *ForgetError
		if err := r.findGone(t.Context(), &plan.Plan{}); !errors.As(err, &wrong) || wrong.Name != name || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r.Forget, r.gone = []string{"w-4", "w-5", "w-6"}, nil
	p := &plan.Plan{}
	if err := r.findGone(t.Context(), p); err != nil || len(p.Warnings) > 0 {
		t.Fatalf("%v, %q", err, p.Warnings)
	}
	if err := r.remember(); err != nil {
		t.Fatal(err)
	}
	// Of w-4 the node is in the cluster yet; w-5 answers and will be cleaned.
	if nodes, left := kept(t, r); nodes != "cp-1, lb-1, w-1, w-4" || left != "w-5" {
		t.Errorf("%s; left %s", nodes, left)
	}
}

// TestLeftAndDeclaredAgain: a machine that is in the file again is no longer one to clean.
func TestLeftAndDeclaredAgain(t *testing.T) {
	r := newRun(t)
	r.machines[1].facts.Cluster, r.machines[1].facts.Node = r.certs.ClusterID(), "w-1"
	_, down := reachable(t)
	moved, other := out(r, "w-1", down), out(r, "w-8", down)
	moved.Address, other.Address = netip.MustParseAddr("10.0.0.99"), r.machines[2].node.Address // its disk is new, and so is its name
	for want, left := range map[string][]statedir.Left{"": {moved, other}, "w-2": {out(r, "w-2", down)}} {
		if err := r.dir.PutNodes(r.Cluster.Nodes, left...); err != nil {
			t.Fatal(err)
		}
		r.gone = nil
		if err := r.findGone(t.Context(), &plan.Plan{}); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range r.gone {
			got = append(got, m.node.Name)
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	// Another machine of that name is not the one that left.
	r.machines[1].facts.Cluster, r.machines[1].facts.Node = "", ""
	if r.cameBack(moved) {
		t.Error("a bare machine at another address was taken for the one that left")
	}
}

// TestLost: only a kubelet that ran before, unchanged, can have missed that its Node is gone.
func TestLost(t *testing.T) {
	r := newRun(t)
	for _, m := range r.machines {
		m.facts.Cluster = r.certs.ClusterID()
	}
	if lost := r.lost(map[string]bool{"cp-1": true}); len(lost) != 1 || lost[0].node.Name != "w-1" {
		t.Errorf("%d lost", len(lost))
	}
	r.machines[1].facts.Cluster = ""
	if lost := r.lost(map[string]bool{"cp-1": true}); len(lost) != 0 {
		t.Errorf("%d lost, of which one is bare", len(lost))
	}
}

// TestUnreachedKeyIsNoAnswer: a machine whose host key has changed is not the one that was applied.
func TestUnreachedKeyIsNoAnswer(t *testing.T) {
	r := newRun(t)
	up, _ := reachable(t)
	_, other := hosttest.NewKey(t, t.TempDir(), "other", "ed25519")
	up.KnownHosts = filepath.Join(t.TempDir(), "known_hosts")
	line := knownhosts.Line([]string{knownhosts.Normalize("127.0.0.1:" + strconv.Itoa(up.Port))}, other)
	if err := os.WriteFile(up.KnownHosts, []byte(line+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.dir.PutNodes(r.Cluster.Nodes, out(r, "w-5", up)); err != nil {
		t.Fatal(err)
	}
	p := &plan.Plan{}
	if err := r.findGone(t.Context(), p); err != nil || len(p.Nodes) > 0 || len(p.Warnings) != 1 || !strings.Contains(p.Warnings[0], "host key has changed") {
		t.Errorf("%+v, %q, %v", p.Nodes, p.Warnings, err)
	}
}
