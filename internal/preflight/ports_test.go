package preflight

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/spec"
)

func TestPortsAndRoutes(t *testing.T) {
	c := cluster()
	plain := []int{10246, 10248, 10249, 10250, 10256}
	controlPlane := []int{2379, 2380, 2381, 6443, 10246, 10248, 10249, 10250, 10256, 10257, 10259}
	for _, test := range []struct {
		kind    spec.LBKind
		balance bool // keep the node of that role
		node    string
		want    []int
	}{
		{spec.VIP, true, "cp-1", controlPlane},
		{spec.VIP, true, "w-1", plain},
		{spec.VIP, true, "lb-1", []int{6443, 8405, 10248, 10250}},
		{spec.VIP, false, "cp-1", sorted(controlPlane, 8405)},
		{spec.NodeLocal, false, "cp-1", sorted(controlPlane, 8405, 7443)},
		{spec.NodeLocal, false, "w-1", sorted(plain, 8405, 7443)},
		{spec.External, false, "cp-1", controlPlane},
		{spec.Direct, false, "w-1", plain},
	} {
		c := *c
		c.LoadBalancer = spec.LoadBalancing{Kind: test.kind, Port: 7443}
		if !test.balance {
			c.Nodes = c.Nodes[:2]
		}
		i := slices.IndexFunc(c.Nodes, func(n spec.Node) bool { return n.Name == test.node })
		if diff := cmp.Diff(test.want, Ports(&c, c.Nodes[i])); diff != "" {
			t.Errorf("%s of %s: %s", test.node, test.kind, diff)
		}
	}
	ask := Asks(c, c.Nodes[1])
	if fmt.Sprint(ask.Routes) != "[10.0.0.11 10.0.0.31]" || len(ask.Ports) != len(plain) || ask.Sync || !Asks(c, c.Nodes[0]).Sync {
		t.Errorf("asks %+v", ask)
	}
}

func sorted(base []int, more ...int) []int {
	return slices.Sorted(slices.Values(slices.Concat(base, more)))
}
