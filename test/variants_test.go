//go:build lab

package test

import "testing"

// TestVariants brings up the other ways to reach the API and to carry traffic, each on fresh machines.
func TestVariants(t *testing.T) {
	for _, v := range []struct {
		name, net, body string
		machines, nodes []string
	}{
		{
			name: "local", net: "10.83.0", machines: []string{"cp-1=11", "w-1=21"}, nodes: []string{"cp-1", "w-1"},
			body: "load_balancer \"node_local\" {}\nnetwork {\n  proxy = \"iptables\"\n  backend = \"host-gw\"\n}\n" +
				nodeBlock("cp-1", "control-plane", "11") + nodeBlock("w-1", "worker", "21"),
		},
		{
			name: "balancers", net: "10.84.0", machines: []string{"cp-1=11", "lb-1=31", "lb-2=32"}, nodes: []string{"cp-1"},
			body: "load_balancer \"vip\" {}\n" + nodeBlock("cp-1", "control-plane", "11") +
				nodeBlock("lb-1", "load-balancer", "31") + nodeBlock("lb-2", "load-balancer", "32"),
		},
	} {
		t.Run(v.name, func(t *testing.T) {
			c := newCluster(t, v.name, v.net, v.machines...)
			var file string
			if v.name == "local" {
				file = c.writeSingle(v.body)
			} else {
				file = c.write(v.body)
			}
			c.must("apply", "-f", file)
			c.want(0, "plan", "-f", file)
			c.becomesHealthy(file)
			c.becomesReady(v.nodes...)
		})
	}
}
