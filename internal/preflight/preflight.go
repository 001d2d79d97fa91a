// Package preflight judges machines before anything is changed on them: from their facts and the spec
// alone, so that every finding of every machine is told at once, each with what to do about it.
package preflight

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/spec"
)

// Finding is one thing that is wrong with a machine, or, as a warning, behind the times.
type Finding struct {
	Node    string
	What    string
	Remedy  string
	Warning bool
}

// Machine is one node with what it said of itself.
type Machine struct {
	Node  spec.Node
	Facts node.Facts
	Skew  time.Duration // its clock less the operator's
	Needs int64         // bytes that are still to be sent and unpacked
	Taken bool          // it is a node of this cluster already, which kubeadm made: it is taken over as it is
}

// Check judges all machines, each by itself and against each other. clusterID is this cluster's;
// a machine that belongs to it already is not asked again for free ports and empty directories.
func Check(c *spec.Cluster, clusterID string, machines []Machine) []Finding {
	var out []Finding
	for _, m := range machines {
		j := judge{machine: m, cluster: c, ours: m.Facts.Cluster == clusterID && clusterID != ""}
		j.all()
		out = append(out, j.findings...)
	}
	return append(out, twins(machines)...)
}

// Ports are those that must be free on a bare machine of n's role.
func Ports(c *spec.Cluster, n spec.Node) []int {
	ports := []int{10250, 10248}
	if n.Role != spec.LoadBalancer {
		ports = append(ports, 10246, 10249, 10256)
	}
	if n.Role == spec.ControlPlane {
		ports = append(ports, 6443, 2379, 2380, 2381, 10257, 10259)
	}
	if c.LoadBalancer.Kind == spec.NodeLocal {
		ports = append(ports, 8405, c.LoadBalancer.Port)
	}
	for _, lb := range c.LoadBalancers() {
		if lb.Name == n.Name {
			ports = append(ports, 8405, int(c.Endpoint.Port()))
		}
	}
	slices.Sort(ports)
	return slices.Compact(ports)
}

// Asks is what each machine must look into: its ports, and the way to every other node.
func Asks(c *spec.Cluster, n spec.Node) node.Ask {
	ask := node.Ask{Ports: Ports(c, n), Sync: n.Role == spec.ControlPlane}
	if c.Backup != nil && n.Role == spec.ControlPlane {
		for _, s := range []string{c.Backup.Schedule, c.Backup.Verify} {
			if s != "" {
				ask.Schedules = append(ask.Schedules, s)
			}
		}
	}
	for _, other := range c.Nodes {
		if other.Name != n.Name {
			ask.Routes = append(ask.Routes, other.Address.String())
		}
	}
	return ask
}

type judge struct {
	machine  Machine
	cluster  *spec.Cluster
	ours     bool
	findings []Finding
}

func (j *judge) fail(remedy, what string, args ...any) {
	j.findings = append(j.findings, Finding{Node: j.machine.Node.Name, What: fmt.Sprintf(what, args...), Remedy: remedy})
}

func (j *judge) warn(remedy, what string, args ...any) {
	j.fail(remedy, what, args...)
	j.findings[len(j.findings)-1].Warning = true
}

// twins finds machines that were cloned without being given an identity of their own.
func twins(machines []Machine) []Finding {
	var out []Finding
	seen := map[string]string{}
	for _, m := range machines {
		for what, value := range map[string]string{"machine-id": m.Facts.MachineID, "hostname": m.Facts.Hostname} {
			first, twice := seen[what+value]
			if !twice {
				seen[what+value] = m.Node.Name
				continue
			}
			remedy := "give each machine its own: hostnamectl hostname NAME"
			if what == "machine-id" {
				remedy = "rm /etc/machine-id && systemd-machine-id-setup, then reboot"
			}
			out = append(out, Finding{Node: m.Node.Name, What: fmt.Sprintf("same %s as %s: %s", what, first, value), Remedy: remedy})
		}
	}
	slices.SortFunc(out, func(a, b Finding) int { return strings.Compare(a.Node+a.What, b.Node+b.What) })
	return out
}
