package spec

import (
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/hashicorp/hcl/v2"
)

// same compares what a cluster is, not where it was written down.
func same() cmp.Options {
	return cmp.Options{
		cmpopts.IgnoreUnexported(Cluster{}),
		cmpopts.IgnoreFields(Cluster{}, "File", "Places", "StateDir", "Bundle", "SSH"),
		cmpopts.IgnoreFields(Node{}, "Range", "SSH"),
		cmpopts.IgnoreFields(S3{}, "Credentials", "CA"),
		cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
		cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b }),
		cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
		cmpopts.EquateEmpty(),
	}
}

func TestWhatIsWrittenReadsBackEqual(t *testing.T) {
	operator(t)
	files, err := filepath.Glob("../../examples/*.hcl")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			before, diags := Load(file, LoadOptions{NoSSH: true})
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			after := reload(t, Write(before))
			if diff := cmp.Diff(before, after, same()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func reload(t *testing.T, text []byte) *Cluster {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cluster.hcl")
	write(t, path, text, 0o600)
	c, diags := Load(path, LoadOptions{NoSSH: true})
	for _, d := range diags {
		if d.Severity == hcl.DiagError {
			t.Fatalf("%v\n%s", d, text)
		}
	}
	return c
}

func TestWrittenTaintsKeepNothingSaidApartFromNone(t *testing.T) {
	c := reload(t, []byte(`cluster "a" { kubernetes = "1.36.3" }
node "cp" {
  role    = "control-plane"
  address = "10.0.0.1"
  taints  = []
}
node "w" {
  role    = "worker"
  address = "10.0.0.2"
  taints  = ["dedicated=gpu:NoSchedule", "slow:NoExecute"]
  labels  = { zone = "a", "example.com/rack" = "7" }
}
node "plain" {
  role    = "worker"
  address = "10.0.0.3"
}
`))
	again := reload(t, Write(c))
	if again.Nodes[0].Taints == nil || again.Nodes[2].Taints != nil {
		t.Errorf("no taints: %v, nothing said: %v", again.Nodes[0].Taints, again.Nodes[2].Taints)
	}
	if diff := cmp.Diff(c, again, same()); diff != "" {
		t.Error(diff)
	}
}

// everything sets each attribute that Write keeps.
const everything = `
cluster "a" {
  kubernetes = "1.36.3"
  endpoint   = "10.0.0.100:6443"
}
load_balancer "LB" {
  SETTINGS
}
network {
  pods       = "10.1.0.0/16"
  services   = "10.2.0.0/16"
  proxy      = "iptables"
  backend    = "host-gw"
  dns        = "example.org"
  node_ports = "31000-32000"
}
pki {
  algorithm   = "rsa-2048"
  ca_lifetime = "900d"
  lifetime    = "90m"
  extra_sans  = ["api.example.org"]
}
etcd {
  quota_gib       = 5
  allow_slow_disk = true
}
upgrade {
  max_unavailable  = "20%"
  drain_timeout    = "7m"
  gate_timeout     = "4m"
  delete_bare_pods = true
}
component "kube-scheduler" {
  flags = { v = "2" }
}
drill {
  allow = ["watch"]
}
backup {
  schedule   = "Mon..Fri *-*-* 02:30:00 UTC"
  retain     = 3
  recipients = ["age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa"]
  directory  = "/srv/archives"
  verify     = "weekly"
  s3 {
    endpoint = "s3.example.com:9000"
    bucket   = "archives"
    prefix   = "clusters/a"
    region   = "eu-central-1"
    insecure = true
  }
}
kubelet {
  max_pods                        = 99
  eviction_hard                   = { "memory.available" = "100Mi" }
  image_gc_high_threshold_percent = 90
  image_gc_low_threshold_percent  = 70
}
node "cp" {
  role        = "control-plane"
  address     = "10.0.0.1"
  ssh_address = "192.168.0.1"
  labels      = { zone = "a" }
  taints      = ["a:NoSchedule"]
}
`

func TestNothingOfTheClusterIsLeftOut(t *testing.T) {
	var all string
	for kind, settings := range map[string]string{"vip": "interface = \"eth1\"\nrouter_id = 7", "node_local": "port = 7000"} {
		text := strings.NewReplacer("LB", kind, "SETTINGS", settings).Replace(everything)
		c := reload(t, []byte(text))
		written := Write(c)
		if diff := cmp.Diff(c, reload(t, written), same()); diff != "" {
			t.Errorf("%s: %s", kind, diff)
		}
		all += string(written)
	}
	operators := []string{"state", "bundle", "for_each", "name"}
	for _, b := range fileType().blocks {
		if slices.Contains([]string{"ssh", "variable", "locals"}, b.name) {
			continue
		}
		for _, name := range b.attributeNames() {
			if !slices.Contains(operators, name) && !regexp.MustCompile(`(?m)^\s*`+name+`\s*=`).MatchString(all) {
				t.Errorf("%s.%s was not written", b.name, name)
			}
		}
	}
}
