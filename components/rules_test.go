package components

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	kubeletv1 "k8s.io/kubelet/config/v1beta1"

	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/spec"
)

func TestTaints(t *testing.T) {
	usual := []corev1.Taint{{Key: "node-role.kubernetes.io/control-plane", Effect: corev1.TaintEffectNoSchedule}}
	for name, test := range map[string]struct {
		workers int
		node    spec.Node
		want    []corev1.Taint
	}{
		"a control plane beside workers":          {1, spec.Node{Role: spec.ControlPlane}, usual},
		"a control plane alone":                   {0, spec.Node{Role: spec.ControlPlane}, nil},
		"a control plane that says it wants none": {1, spec.Node{Role: spec.ControlPlane, Taints: []spec.Taint{}}, nil},
		"a control plane with others": {1, spec.Node{Role: spec.ControlPlane, Taints: []spec.Taint{{Key: "a", Value: "b", Effect: "NoExecute"}}},
			[]corev1.Taint{{Key: "a", Value: "b", Effect: corev1.TaintEffectNoExecute}}},
		"a worker":            {1, spec.Node{Role: spec.Worker}, nil},
		"a worker with taint": {1, spec.Node{Role: spec.Worker, Taints: []spec.Taint{{Key: "gpu", Effect: "NoSchedule"}}}, []corev1.Taint{{Key: "gpu", Effect: corev1.TaintEffectNoSchedule}}},
	} {
		in := Input{Cluster: &spec.Cluster{}}
		for range test.workers {
			in.Cluster.Nodes = append(in.Cluster.Nodes, spec.Node{Name: "w", Role: spec.Worker})
		}
		if diff := cmp.Diff(test.want, in.Taints(test.node)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestKubeletLabelsItselfOnlyAsAllowed: a kubelet that asks for a label which NodeRestriction forbids cannot register.
func TestKubeletLabelsItselfOnlyAsAllowed(t *testing.T) {
	in := load(t, "vip")
	unit := string(in.file(t, "w-1", "/etc/systemd/system/kubelet.service"))
	if want := "--node-labels=disk=fast,example.com/pool=blue,zone=a \\\n"; !strings.Contains(unit, want) {
		t.Errorf("no %q in:\n%s", want, unit)
	}
	for _, n := range []string{"w-2", "cp-1"} {
		if unit := string(in.file(t, n, "/etc/systemd/system/kubelet.service")); strings.Contains(unit, "--node-labels") {
			t.Errorf("%s has no labels, yet:\n%s", n, unit)
		}
	}
}

func TestKubeletFollowsTheMachine(t *testing.T) {
	for _, test := range []struct {
		name, node string
		want       func(*kubeletv1.KubeletConfiguration) bool
	}{
		{"vip", "w-1", func(c *kubeletv1.KubeletConfiguration) bool {
			return c.CgroupDriver == "systemd" && *c.ResolverConfig == "/run/systemd/resolve/resolv.conf"
		}},
		{"node-local", "w-1", func(c *kubeletv1.KubeletConfiguration) bool {
			return c.CgroupDriver == "cgroupfs" && !*c.FailCgroupV1 && c.MaxPods == 200 && c.EvictionHard["nodefs.available"] == "1%"
		}},
		{"vip", "cp-1", func(c *kubeletv1.KubeletConfiguration) bool {
			return len(c.RegisterWithTaints) == 1 && !*c.Authentication.Anonymous.Enabled && c.ReadOnlyPort == 0 && c.Authorization.Mode == "Webhook"
		}},
		{"external", "w-1", func(c *kubeletv1.KubeletConfiguration) bool {
			return c.ClusterDomain == "example.internal" && c.ClusterDNS[0] == "172.30.0.10" && len(c.RegisterWithTaints) == 0
		}},
		// Without an API server there is nobody to ask: reachable by nobody, and nobody can log in.
		{"balancer-nodes", "lb-1", func(c *kubeletv1.KubeletConfiguration) bool {
			return c.Address == "127.0.0.1" && !*c.Authentication.Anonymous.Enabled && !*c.Authentication.Webhook.Enabled &&
				c.Authentication.X509.ClientCAFile == "" && c.ReadOnlyPort == 0
		}},
	} {
		in := load(t, test.name)
		text := in.file(t, test.node, "/var/lib/kubelet/config.yaml")
		if config := decode[*kubeletv1.KubeletConfiguration](t, test.name, text); !test.want(config) {
			t.Errorf("%s of %s:\n%s", test.node, test.name, text)
		}
	}
}

// TestCoreDNSWithoutResolvers: CoreDNS dies of a forward plugin without upstreams, and may land on any node.
func TestCoreDNSWithoutResolvers(t *testing.T) {
	for _, test := range []struct {
		without string // a node that knows no resolver
		want    bool
	}{{"", true}, {"w-1", false}, {"cp-1", false}, {"lb-1", true}} {
		in := load(t, "balancer-nodes")
		if test.without != "" {
			f := in.Facts[test.without]
			f.Resolvers = nil
			in.Facts[test.without] = f
		}
		if got := strings.Contains(in.objectsText(t), "forward . /etc/resolv.conf"); got != test.want {
			t.Errorf("without a resolver on %q: forwards %t, want %t", test.without, got, test.want)
		}
	}
}

// TestCoreDNSHasRoom: with one replica per node, a replica more than nodes that take it would stay pending for ever.
func TestCoreDNSHasRoom(t *testing.T) {
	machine := func(role spec.Role, taints ...spec.Taint) spec.Node { return spec.Node{Role: role, Taints: taints} }
	cp, own := machine(spec.ControlPlane), spec.Taint{Key: "dedicated", Value: "x", Effect: "NoSchedule"}
	for name, test := range map[string]struct {
		nodes []spec.Node
		want  int32
	}{
		"one machine":                        {[]spec.Node{cp}, 1},
		"one machine and a balancer":         {[]spec.Node{cp, machine(spec.LoadBalancer)}, 1},
		"a worker beside it":                 {[]spec.Node{cp, machine(spec.Worker)}, 2},
		"a worker for something else":        {[]spec.Node{cp, machine(spec.Worker, own)}, 1},
		"a worker better left alone":         {[]spec.Node{cp, machine(spec.Worker, spec.Taint{Key: "dedicated", Effect: "PreferNoSchedule"})}, 2},
		"a control plane that throws out":    {[]spec.Node{machine(spec.ControlPlane, spec.Taint{Key: "node-role.kubernetes.io/control-plane", Effect: "NoExecute"}), machine(spec.Worker)}, 1},
		"a worker for critical addons":       {[]spec.Node{cp, machine(spec.Worker, spec.Taint{Key: "CriticalAddonsOnly", Effect: "NoExecute"})}, 2},
		"nothing but machines for something": {[]spec.Node{machine(spec.ControlPlane, own)}, 1},
		"many":                               {[]spec.Node{cp, cp, cp, machine(spec.Worker), machine(spec.Worker)}, 2},
	} {
		in := &Input{Cluster: &spec.Cluster{Nodes: test.nodes}}
		if got := *in.corednsDeployment(nil).Spec.Replicas; got != test.want {
			t.Errorf("%s: %d replicas, want %d", name, got, test.want)
		}
	}
}

func TestServers(t *testing.T) {
	for _, test := range []struct{ name, controlPlane, worker, shared, admin string }{
		{"vip", "https://10.0.0.11:6443", "https://10.0.0.100:6443", "https://10.0.0.100:6443", "https://10.0.0.100:6443"},
		{"balancer-nodes", "https://10.0.0.11:6443", "https://10.0.0.100:443", "https://10.0.0.100:443", "https://10.0.0.100:443"},
		{"node-local", "https://10.0.0.11:6443", "https://127.0.0.1:7443", "https://127.0.0.1:7443", "https://10.0.0.11:6443"},
		{"external", "https://10.0.0.11:6443", "https://k8s.example.com:8443", "https://k8s.example.com:8443", "https://k8s.example.com:8443"},
		{"direct", "https://10.0.0.11:6443", "", "https://10.0.0.11:6443", "https://10.0.0.11:6443"},
		{"ipv6", "https://[fd00::11]:6443", "https://[fd00::100]:6443", "https://[fd00::100]:6443", "https://[fd00::100]:6443"},
	} {
		in := load(t, test.name)
		got := []string{in.Server(in.declared(t, "cp-1")), "", in.sharedServer(), in.AdminServer()}
		if test.worker != "" {
			got[1] = in.Server(in.declared(t, "w-1"))
		}
		if diff := cmp.Diff([]string{test.controlPlane, test.worker, test.shared, test.admin}, got); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
}

// TestDNSAddress: tools expect the tenth address of the range.
func TestDNSAddress(t *testing.T) {
	for name, want := range map[string]string{"vip": "10.96.0.10", "external": "172.30.0.10", "ipv6": "fd00:20::a"} {
		if got := load(t, name).DNSAddress().String(); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// TestKeepalivedKnowsItsPeers: each balancer names the others and not itself, under a priority of its own.
func TestKeepalivedKnowsItsPeers(t *testing.T) {
	in := load(t, "vip")
	priorities := map[string]bool{}
	for _, n := range in.Cluster.ControlPlanes() {
		text := string(in.file(t, n.Name, KeepalivedFile))
		for _, other := range in.Cluster.ControlPlanes() {
			_, peers, _ := strings.Cut(text, "unicast_peer {")
			peers, _, _ = strings.Cut(peers, "}")
			if named := strings.Contains(peers, other.Address.String()); named == (other.Name == n.Name) {
				t.Errorf("%s names %s as its peer: %t", n.Name, other.Name, named)
			}
		}
		for _, line := range strings.Split(text, "\n") {
			if p, ok := strings.CutPrefix(strings.TrimSpace(line), "priority "); ok {
				priorities[p] = true
			}
		}
	}
	if len(priorities) != 3 {
		t.Errorf("priorities %v", priorities)
	}
}

// TestModulesOfAMode: what a mode of kube-proxy needs is loaded, and so kept over reboots, and nothing of another mode.
func TestModulesOfAMode(t *testing.T) {
	common := []string{"overlay", "br_netfilter", "nf_conntrack", "vxlan"}
	for mode, more := range map[string][]string{
		"nftables": nil, "iptables": nil, "ipvs": {"ip_vs", "ip_vs_rr", "ip_vs_wrr", "ip_vs_sh", "dummy"},
	} {
		in := load(t, "vip")
		in.Cluster.Network.Proxy = mode
		for _, name := range []string{"cp-1", "w-1"} {
			var got []string
			s, err := in.State(in.declared(t, name))
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range s.Resources {
				if r.Module != nil {
					got = append(got, r.Module.Name)
				}
			}
			if want := append(slices.Clone(common), more...); !slices.Equal(got, want) {
				t.Errorf("%s in %s mode loads %v, want %v", name, mode, got, want)
			}
		}
	}
}

// TestSealing: while some API servers know no key, Secrets are written so that they can read them, and sealed ones are read.
func TestSealing(t *testing.T) {
	in := load(t, cases()[0])
	for _, c := range []struct {
		unsealed bool
		first    bool // the sealing provider
	}{{false, true}, {true, false}} {
		in.Unsealed = c.unsealed
		providers := in.encryption().Resources[0].Providers
		if len(providers) != 2 || (providers[0].Secretbox != nil) != c.first || (providers[0].Identity != nil) == c.first {
			t.Errorf("unsealed %t: %+v", c.unsealed, providers)
		}
	}
}

// TestOverridesAreHidden: a drop-in that would run another program is hidden on the machine that has it, and restarts the unit.
func TestOverridesAreHidden(t *testing.T) {
	in := load(t, cases()[0])
	name := in.Cluster.ControlPlanes()[0].Name
	facts := in.Facts[name]
	facts.Overrides = map[string][]string{"kubelet.service": {"10-kubeadm.conf"}}
	in.Facts[name] = facts
	const path = "/etc/systemd/system/kubelet.service.d/10-kubeadm.conf"
	if got := string(in.file(t, name, path)); got != node.NoOverride {
		t.Errorf("%q", got)
	}
	if unit := in.state(t, name)["unit kubelet.service"].Unit; !slices.Contains(unit.RestartOn, "file "+path) {
		t.Errorf("the kubelet is not restarted for it: %q", unit.RestartOn)
	}
}

// TestOneServerAloneIsNotTested: while it is slow there is no better one, and clients that are cut off come back all at once.
func TestOneServerAloneIsNotTested(t *testing.T) {
	for _, controlPlanes := range []int{1, 3} {
		in := load(t, "vip")
		kept := 0
		in.Cluster.Nodes = slices.DeleteFunc(in.Cluster.Nodes, func(n spec.Node) bool {
			if n.Role == spec.ControlPlane {
				kept++
			}
			return n.Role == spec.ControlPlane && kept > controlPlanes
		})
		for path, word := range map[string]string{"haproxy.cfg": "httpchk", "keepalived.conf": "track_script"} {
			text := string(in.file(t, "cp-1", "/etc/kubernetes/loadbalancer/"+path))
			if tested := strings.Contains(text, word); tested != (controlPlanes > 1) {
				t.Errorf("%d control planes: %s in %s is %v:\n%s", controlPlanes, word, path, tested, text)
			}
		}
	}
}
