package spec

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// checkNodes refuses two nodes of one name, one address, or behind one SSH port.
func (d *draft) checkNodes() {
	names, addresses, targets := map[string]int{}, map[netip.Addr]int{}, map[string]int{}
	for i, n := range d.Nodes {
		if first, twice := names[n.Name]; twice && n.Name != "" {
			d.sameName(i, first)
		} else {
			names[n.Name] = i
		}
		if first, twice := addresses[n.Address]; twice && n.Address.IsValid() {
			d.errorf(d.nodes[i].address, "Second node of the same address", "%s is the address of node %q (line %d) already. Every node is a machine of its own.", n.Address, d.Nodes[first].Name, d.nodes[first].address.Start.Line)
			continue
		}
		addresses[n.Address] = i
		if n.SSHAddress == "" && !n.Address.IsValid() {
			continue
		}
		host := n.SSHAddress
		if host == "" {
			host = n.Address.String()
		}
		target := fmt.Sprintf("%s:%d via %v", host, n.SSH.Port, n.SSH.Bastions)
		if first, twice := targets[target]; twice {
			d.errorf(d.nodes[i].head, "Two nodes, one SSH server", "Node %q would be reached at %s port %d, which leads to node %q (line %d). Give each its own ssh_address or port.",
				n.Name, host, n.SSH.Port, d.Nodes[first].Name, d.nodes[first].head.Start.Line)
			continue
		}
		targets[target] = i
	}
}

func (d *draft) sameName(i, first int) {
	if d.nodes[i].head == d.nodes[first].head {
		d.errorf(d.nodes[i].name, "Second node of the same name", "for_each would declare node %q more than once. Let name depend on each.key, or leave it out.", d.Nodes[i].Name)
		return
	}
	d.errorf(d.nodes[i].name, "Second node of the same name", "Node %q is declared on line %d already. Rename one of the two.", d.Nodes[i].Name, d.nodes[first].head.Start.Line)
}

// checkCounts refuses what cannot have a quorum, or a balancer with nothing to balance.
func (d *draft) checkCounts() {
	if d.partial {
		return
	}
	cps := d.ControlPlanes()
	at := func() hcl.Range { // the last control plane is the one to remove or to add to
		for i, n := range slices.Backward(d.Nodes) {
			if n.Role == ControlPlane {
				return d.nodes[i].head
			}
		}
		return d.clusterAt
	}
	switch n := len(cps); {
	case n == 0:
		d.errorf(at(), "No control plane", "A cluster needs 1, 3, 5 or 7 nodes with role = \"control-plane\", and there is none.")
	case n%2 == 0 && !d.opts.Growing:
		d.errorf(at(), "Even number of control planes", "There are %d control planes. etcd decides by majority, and %d survive no more failures than %d. Declare %d or %d.", n, n, n-1, n-1, n+1)
	case n > 7:
		d.errorf(at(), "Too many control planes", "There are %d control planes, and every write waits for a majority of them. Declare 3, 5 or 7; more machines are of more use as workers.", n)
	case n > 1 && d.LoadBalancer.Kind == Direct && !d.unsure:
		d.errorf(d.clusterAt, "No load balancer", "With %d control planes clients need one address that outlives each of them. Declare load_balancer \"vip\" {}, \"node_local\" {} or \"external\" {}.", n)
	}
	if d.LoadBalancer.Kind == VIP || d.unsure {
		return
	}
	for i, n := range d.Nodes {
		if n.Role == LoadBalancer {
			d.errorf(d.nodes[i].head, "A load-balancer node without a virtual address", "Nodes with role = \"load-balancer\" hold the endpoint of load_balancer \"vip\" {}, which this file does not declare. Declare it, or remove the node.")
		}
	}
}
