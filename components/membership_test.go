package components

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/slipway/slipway/internal/spec"
)

// TestMembership: a member that joins is told of those before it, and theirs does not change for it.
func TestMembership(t *testing.T) {
	in := load(t, "vip")
	first := in.Cluster.ControlPlanes()[0]
	before := in.etcdCommand(first)
	start := in.Membership(first)
	if start.Existing || start.Initial == "" {
		t.Fatalf("a member that was there from the start: %+v", start)
	}
	joined := spec.Node{Name: "cp-9", Role: spec.ControlPlane, Address: netip.MustParseAddr("10.0.0.19")}
	grown := *in.Cluster
	grown.Nodes = append(slices.Clone(in.Cluster.Nodes), joined)
	later := Input{Cluster: &grown, Certs: in.Certs, Members: map[string]Membership{
		first.Name: start, "cp-9": {Initial: start.Initial + ",cp-9=" + PeerURL(joined), Existing: true},
	}}
	if now := later.etcdCommand(first); !slices.Equal(now, before) {
		t.Errorf("the first member's command changed:\n%q\n%q", before, now)
	}
	now := later.etcdCommand(joined)
	if !slices.Contains(now, "--initial-cluster-state=existing") || !slices.Contains(now, "--initial-cluster="+start.Initial+",cp-9=https://10.0.0.19:2380") {
		t.Errorf("the joined member's command: %q", now)
	}
}

// TestMembershipOfARestore: its token stands in the manifest in the place of the cluster's first.
func TestMembershipOfARestore(t *testing.T) {
	in := load(t, "vip")
	first := in.Cluster.ControlPlanes()[0]
	if before := in.etcdCommand(first); !slices.Contains(before, "--initial-cluster-token="+in.Certs.ClusterID()) {
		t.Errorf("a member that was never restored: %q", before)
	}
	restored := in.Membership(first)
	restored.Token = "another"
	in.Members = map[string]Membership{first.Name: restored}
	if now := in.etcdCommand(first); !slices.Contains(now, "--initial-cluster-token=another") || !slices.Contains(now, "--initial-cluster-state=new") {
		t.Errorf("a restored member: %q", now)
	}
}
