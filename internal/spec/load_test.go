package spec

import (
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// source writes text as a cluster file in a folder of its own and gives its path.
func source(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cluster.hcl")
	write(t, path, []byte(text), 0o644)
	return path
}

func load(t testing.TB, path string, opts LoadOptions) *Cluster {
	t.Helper()
	c, err := Read(path, opts)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// refused loads text and checks that what the user sees holds every one of want.
func refused(t testing.TB, path string, opts LoadOptions, want ...string) {
	t.Helper()
	_, err := Read(path, opts)
	if err == nil {
		t.Fatalf("accepted, expected %q", want)
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("expected %q in:\n%v", w, err)
		}
	}
}

const one = `
cluster "prod" { 
  kubernetes = "1.36.3" 
}
node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
}
`

func diffCluster(want, got *Cluster) string {
	return cmp.Diff(want, got, cmpopts.IgnoreUnexported(Cluster{}), cmpopts.IgnoreFields(Node{}, "Range"), cmpopts.IgnoreFields(Cluster{}, "Places"),
		cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
		cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
		cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b }))
}

func TestDefaults(t *testing.T) {
	home := operator(t)
	path := source(t, one)
	ssh := SSH{User: "root", Port: 22, KnownHosts: filepath.Join(home, ".ssh/known_hosts"), Timeout: 10 * time.Second}
	want := &Cluster{
		Name: "prod", Kubernetes: "1.36.3", File: path,
		Endpoint:     netip.MustParseAddrPort("10.0.0.11:6443"),
		StateDir:     filepath.Join(filepath.Dir(path), ".slipway/prod"),
		LoadBalancer: LoadBalancing{Kind: Direct},
		Network: Network{Pods: netip.MustParsePrefix("10.244.0.0/16"), Services: netip.MustParsePrefix("10.96.0.0/16"),
			Proxy: "nftables", Backend: "vxlan", DNS: "cluster.local", NodePorts: "30000-32767"},
		SSH:     ssh,
		PKI:     PKI{Algorithm: "ecdsa-p256", CALifetime: 87600 * time.Hour, Lifetime: 8760 * time.Hour},
		Etcd:    Etcd{QuotaBytes: 8 << 30},
		Upgrade: Upgrade{MaxUnavailable: "1", DrainTimeout: 5 * time.Minute, GateTimeout: 3 * time.Minute},
		Nodes:   []Node{{Name: "cp-1", Role: ControlPlane, Address: netip.MustParseAddr("10.0.0.11"), SSH: ssh}},
	}
	if diff := diffCluster(want, load(t, path, LoadOptions{})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestEverythingSet(t *testing.T) {
	home := operator(t)
	path := source(t, `
cluster "prod" {
  kubernetes = "1.35.4"
  endpoint   = "[fd00:1::100]:8443"
  state      = "~/state"
  bundle     = "/srv/kube.bundle"
}
load_balancer "vip" {
  interface = "bond0.100"
  router_id = 7
}
network {
  pods       = "fd00:2::/48"
  services   = "fd00:3::/112"
  proxy      = "iptables"
  backend    = "host-gw"
  dns        = "k8s.example.com"
  node_ports = "20000-20100"
}
ssh {
  user               = "debian"
  port               = 2222
  private_key        = "~/.ssh/id_ed25519"
  sudo_password_file = "pw"
  timeout            = "1m30s"
  bastion "fd00:9::1" {}
  bastion "b.example.com" {
    user = "jump"
    port = 22022
  }
}
pki {
  algorithm   = "rsa-4096"
  ca_lifetime = "3650d"
  lifetime    = "2160h"
  extra_sans  = ["*.example.com", "192.0.2.1"]
}
etcd {
  quota_gib       = 3
  allow_slow_disk = true
}
kubelet {
  max_pods                        = 50
  eviction_hard                   = { "nodefs.available" = "1%" }
  image_gc_high_threshold_percent = 99
  image_gc_low_threshold_percent  = 98
}
upgrade {
  max_unavailable = "25%"
  drain_timeout   = "90s"
  gate_timeout    = "4m"
  delete_bare_pods = true
}
node "cp" {
  for_each    = { a = "fd00:1::11" }
  name        = "${each.key}.cp"
  role        = "control-plane"
  address     = each.value
  ssh_address = "cp.example.com"
  labels      = { zone = each.key }
  taints      = []
  ssh {
    user   = "root"
    direct = true
  }
}
node "w" {
  role    = "worker"
  address = "fd00:1::21"
  taints  = ["a=b:NoExecute", "example.com/c:NoSchedule"]
}
`)
	write(t, filepath.Join(filepath.Dir(path), "pw"), []byte("x\n"), 0o400)
	key := filepath.Join(home, ".ssh/id_ed25519")
	ssh := SSH{User: "debian", Port: 2222, PrivateKey: key, KnownHosts: filepath.Join(home, ".ssh/known_hosts"),
		SudoPasswordFile: filepath.Join(filepath.Dir(path), "pw"), Timeout: 90 * time.Second,
		Bastions: []Bastion{{"fd00:9::1", 22, "debian", key}, {"b.example.com", 22022, "jump", key}}}
	own := ssh
	own.User, own.Bastions = "root", nil
	want := &Cluster{
		Name: "prod", Kubernetes: "1.35.4", File: path,
		Endpoint: netip.MustParseAddrPort("[fd00:1::100]:8443"), StateDir: filepath.Join(home, "state"), Bundle: "/srv/kube.bundle",
		LoadBalancer: LoadBalancing{Kind: VIP, Interface: "bond0.100", RouterID: 7},
		Network: Network{Pods: netip.MustParsePrefix("fd00:2::/48"), Services: netip.MustParsePrefix("fd00:3::/112"),
			Proxy: "iptables", Backend: "host-gw", DNS: "k8s.example.com", NodePorts: "20000-20100"},
		SSH:  ssh,
		PKI:  PKI{Algorithm: "rsa-4096", CALifetime: 3650 * 24 * time.Hour, Lifetime: 2160 * time.Hour, ExtraSANs: []string{"*.example.com", "192.0.2.1"}},
		Etcd: Etcd{QuotaBytes: 3 << 30, AllowSlowDisk: true},
		Kubelet: Kubelet{MaxPods: 50, EvictionHard: map[string]string{"nodefs.available": "1%"},
			ImageGCHighThresholdPercent: 99, ImageGCLowThresholdPercent: 98},
		Upgrade: Upgrade{MaxUnavailable: "25%", DrainTimeout: 90 * time.Second, GateTimeout: 4 * time.Minute, DeleteBarePods: true},
		Nodes: []Node{
			{Name: "a.cp", Role: ControlPlane, Address: netip.MustParseAddr("fd00:1::11"), SSHAddress: "cp.example.com", SSH: own, Labels: map[string]string{"zone": "a"}, Taints: []Taint{}},
			{Name: "w", Role: Worker, Address: netip.MustParseAddr("fd00:1::21"), SSH: ssh,
				Taints: []Taint{{"a", "b", "NoExecute"}, {"example.com/c", "", "NoSchedule"}}},
		},
	}
	if diff := diffCluster(want, load(t, path, LoadOptions{})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestEndpoints: what an endpoint may look like, and what becomes of it.
func TestEndpoints(t *testing.T) {
	operator(t)
	for _, tc := range []struct{ lb, endpoint, addr, name string }{
		{"external", "api.example.com:443", "invalid AddrPort", "api.example.com"},
		{"external", "10.0.0.100", "10.0.0.100:6443", ""},
		{"external", "fd00::1", "[fd00::1]:6443", ""},
		{"node_local", "", "invalid AddrPort", ""},
		{"node_local", "10.0.0.100:6443", "10.0.0.100:6443", ""},
		{"vip", "10.0.0.100:443", "10.0.0.100:443", ""},
	} {
		endpoint := `"` + tc.endpoint + `"`
		if tc.endpoint == "" {
			endpoint = "null"
		}
		text := strings.Replace(one, `"1.36.3"`, "\"1.36.3\"\nendpoint = "+endpoint, 1) + `load_balancer "` + tc.lb + `" {}`
		c := load(t, source(t, text), LoadOptions{})
		if c.Endpoint.String() != tc.addr || c.EndpointName != tc.name {
			t.Errorf("%s %s: %s %q", tc.lb, tc.endpoint, c.Endpoint, c.EndpointName)
		}
		if tc.name != "" && c.Endpoint.Port() != 443 {
			t.Errorf("%s: port %d", tc.endpoint, c.Endpoint.Port())
		}
	}
}

// TestNoSSH: on the machine itself the operator's keys need not exist.
func TestNoSSH(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	path := source(t, one+`ssh { private_key = "nowhere" }`)
	if got := load(t, path, LoadOptions{NoSSH: true}).SSH.PrivateKey; got != filepath.Join(filepath.Dir(path), "nowhere") {
		t.Errorf("private key %s", got)
	}
	refused(t, path, LoadOptions{}, "Unusable private key", "~/.ssh/known_hosts counts")
}

func TestSupportedVersions(t *testing.T) {
	operator(t)
	path := source(t, one)
	load(t, path, LoadOptions{SupportedKubernetes: []string{"1.36.3"}})
	refused(t, path, LoadOptions{SupportedKubernetes: []string{"1.37.0"}}, `of "1.37.0"`)
}

func TestUnreadableFile(t *testing.T) {
	dir := t.TempDir()
	refused(t, filepath.Join(dir, "none.hcl"), LoadOptions{}, "Cluster file not readable", "no such file")
	refused(t, dir, LoadOptions{}, "is a folder")
	refused(t, "/dev/zero", LoadOptions{}, "not a regular file")
	refused(t, source(t, strings.Repeat("#\n", maxFile)), LoadOptions{}, "larger than 256 KiB")
}

// TestDeepNesting: the parser recurses, so the deepest file that is read must not exhaust the stack.
func TestDeepNesting(t *testing.T) {
	for _, open := range []string{"[", "(", "{a=", "!", "-", `"${`, `"%{if `, "f(", "1?1:", "1+", "a {"} {
		text := "locals { a = " + strings.Repeat(open, (maxFile-20)/len(open))
		if open == "a {" {
			text = strings.Repeat("a {\n", (maxFile-20)/4)
		}
		refused(t, source(t, text), LoadOptions{})
	}
}
