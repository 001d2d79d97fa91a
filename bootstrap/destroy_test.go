package bootstrap

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway/slipway/internal/host"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/internal/statedir"
)

// answering makes the named machines of r ones that answer, and the others silent.
func answering(t *testing.T, r *Run, names ...string) {
	t.Helper()
	up, down := reachable(t)
	for i := range r.Cluster.Nodes {
		n := &r.Cluster.Nodes[i]
		n.SSHAddress, n.SSH = "127.0.0.1", down
		for _, name := range names {
			if n.Name == name {
				n.SSH = up
			}
		}
	}
	r.machines = nil
}

// TestReachMost: skipping is for machines that are silent, and for those only.
func TestReachMost(t *testing.T) {
	r := newRun(t)
	answering(t, r, "cp-1")
	if err := r.everyMachine(); err != nil {
		t.Fatal(err)
	}
	_, err := r.reachMost(t.Context(), false)
	var remedied interface{ Remedy() string }
	if err == nil || !strings.Contains(err.Error(), "w-1 (127.0.0.1:1)") || !errors.As(err, &remedied) || !strings.Contains(remedied.Remedy(), "--skip-unreachable") || !errors.As(err, new(*host.UnreachableError)) {
		t.Errorf("without skipping: %v", err)
	}
	skipped, err := r.reachMost(t.Context(), true)
	if err != nil || len(skipped) != 2 || skipped[0].node.Name != "w-1" || skipped[1].node.Name != "lb-1" || r.machines[0].host == nil {
		t.Errorf("%d skipped, %v", len(skipped), err)
	}
}

func TestReachNone(t *testing.T) {
	r := newRun(t)
	answering(t, r)
	moved, err := r.Destroy(t.Context(), Destruction{SkipUnreachable: true})
	if moved != "" || err == nil || !strings.Contains(err.Error(), "no machine answers, so nothing was changed") {
		t.Errorf("%q, %v", moved, err)
	}
	if _, err := os.Stat(r.Cluster.StateDir); err != nil {
		t.Error(err)
	}
}

// TestRefusingIsNotSilent: a machine that answers with another key may be anybody's, and is not skipped.
func TestRefusingIsNotSilent(t *testing.T) {
	r := newRun(t)
	answering(t, r, "cp-1", "w-1", "lb-1")
	empty := filepath.Join(t.TempDir(), "known_hosts")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r.Cluster.Nodes[1].SSH.KnownHosts = empty
	if err := r.everyMachine(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.reachMost(t.Context(), true); !errors.As(err, new(*host.HostKeyError)) {
		t.Errorf("%v", err)
	}
}

// TestSkippedAreRemembered follows a destroyed cluster: what was skipped is found again, with the id of the cluster
// that it is of, and no new cluster is made with it.
func TestSkippedAreRemembered(t *testing.T) {
	r := newRun(t)
	id := r.certs.ClusterID()
	if err := r.dir.Save(r.certs); err != nil {
		t.Fatal(err)
	}
	lost := spec.Node{Name: "w-9", Role: spec.Worker, Address: netip.MustParseAddr("10.0.0.29")}
	if err := r.dir.PutNodes(append(r.Cluster.Nodes, lost)); err != nil {
		t.Fatal(err)
	}
	r.machines = nil
	if err := r.everyMachine(); err != nil {
		t.Fatal(err)
	}
	skipped := []*machine{r.machines[0], r.gone[0]}
	aside := filepath.Join(t.TempDir(), "aside")
	if err := r.dir.MoveAside(aside); err != nil {
		t.Fatal(err)
	}
	err := r.leave(skipped)
	var told *SkippedError
	if !errors.As(err, &told) || err.Error() != "left as they are, since they do not answer: cp-1 (10.0.0.11), w-9 (10.0.0.29)" || !strings.Contains(told.Remedy(), "destroy again") {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(filepath.Join(aside, "pki", "ca.crt")); err != nil {
		t.Error(err)
	}

	r.machines, r.gone, r.certs = nil, nil, nil
	if _, err := r.stored(); !errors.Is(err, statedir.ErrEmpty) {
		t.Errorf("the new state directory: %v", err)
	}
	if err := r.everyMachine(); err != nil {
		t.Fatal(err)
	}
	if len(r.machines) != 3 || r.machines[0].left != id || r.machines[1].left != "" || len(r.gone) != 1 || r.gone[0].left != id {
		t.Errorf("%+v", r.machines[0])
	}
	got := objections(t, r.guard())
	if len(got) != 1 || !strings.HasPrefix(got[0], "Left by destroy: cp-1 (10.0.0.11) did not answer") || !strings.Contains(got[0], "run slipway destroy -f cluster.hcl") {
		t.Errorf("%q", got)
	}
}
