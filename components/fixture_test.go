package components

import (
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/pki"
)

var update = flag.Bool("update", false, "write the golden files anew")

// cases are the folders of testdata, the one that the others are compared with first.
func cases() []string {
	return []string{"vip", "balancer-nodes", "node-local", "external", "direct", "ipv6"}
}

// load is what testdata/name declares, with certificates of its own and facts that fit it.
func load(t *testing.T, name string) *Input {
	t.Helper()
	c, err := spec.Read(filepath.Join("testdata", name, "cluster.hcl"), spec.LoadOptions{NoSSH: true})
	if err != nil {
		t.Fatal(err)
	}
	certs, err := pki.Create(c, time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	in := &Input{Cluster: c, Certs: certs, Facts: map[string]node.Facts{}, Payload: payload(),
		Program: "/var/lib/slipway/bin/slipway-0123456789abcdef", ObjectStore: ObjectStore{Credentials: []byte("[default]\n"), CA: []byte("PEM of the object store's authority\n")}}
	for _, n := range c.Nodes {
		in.Facts[n.Name] = facts(name, n)
	}
	return in
}

// facts are of a machine as they should be, but for node-local's, which are containers behind the times.
func facts(name string, n spec.Node) node.Facts {
	f := node.Facts{
		Hostname: n.Name, Arch: "amd64", Systemd: true, Cgroup: 2, CapResource: true, InitialNetNS: true,
		Addresses: map[string]string{n.Address.String(): "eth0"}, MTU: map[string]int{"eth0": 1500, "eth1": 1500},
		Resolvers: []string{"192.0.2.53"}, ResolvConf: "/run/systemd/resolve/resolv.conf",
	}
	if name == "node-local" {
		f.Cgroup, f.CapResource, f.InitialNetNS, f.Container = 1, false, false, "systemd-nspawn"
		f.Resolvers, f.ResolvConf = nil, "/etc/resolv.conf"
	}
	return f
}

// payload offers what a bundle does, under digests that follow from the names.
func payload() Payload {
	blob := func(name string) node.Blob {
		sum := sha256.Sum256([]byte(name))
		return node.Blob{Digest: "sha256:" + hex.EncodeToString(sum[:]), Size: int64(len(name))}
	}
	p := Payload{Binaries: map[string]node.Binary{}, Images: map[string]node.Image{}}
	for _, name := range []string{"containerd", "containerd-shim-runc-v2", "ctr", "runc", "bridge", "host-local", "loopback", "portmap"} {
		p.Binaries[name] = node.Binary{SHA256: blob(name).Digest[7:], Size: 1000, Blob: blob(name + " packed")}
	}
	for name, image := range map[string]string{"kube": "kube", "etcdctl": "etcd", "etcdutl": "etcd"} {
		p.Binaries[name] = node.Binary{SHA256: blob(name).Digest[7:], Size: 1000,
			In: &node.ImageFile{Ref: "slipway.local/" + image + ":v1", Path: "/usr/local/bin/" + image}}
	}
	for _, name := range []string{"kube", "kube-proxy", "etcd", "pause", "flannel", "coredns", "metrics-server", "loadbalancer"} {
		p.Images[name] = node.Image{
			Ref: "slipway.local/" + name + ":v1", Manifest: blob(name + " manifest"),
			Blobs: []node.Blob{blob(name + " config"), blob(name + " layer")},
		}
	}
	return p
}

// declared is the node of that name.
func (in *Input) declared(t *testing.T, name string) spec.Node {
	t.Helper()
	i := slices.IndexFunc(in.Cluster.Nodes, func(n spec.Node) bool { return n.Name == name })
	if i < 0 {
		t.Fatalf("no node %q is declared", name)
	}
	return in.Cluster.Nodes[i]
}

// state is everything of one node, by resource ID.
func (in *Input) state(t *testing.T, name string) map[string]node.Resource {
	t.Helper()
	s, err := in.State(in.declared(t, name))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]node.Resource{}
	for _, r := range s.Resources {
		if _, twice := out[r.ID()]; twice {
			t.Errorf("%s: %s appears twice", name, r.ID())
		}
		out[r.ID()] = r
	}
	return out
}

// file is the content of one file of the node.
func (in *Input) file(t *testing.T, name, path string) []byte {
	t.Helper()
	r, ok := in.state(t, name)["file "+path]
	if !ok {
		t.Fatalf("%s has no file %s", name, path)
	}
	return r.File.Content
}

// golden compares got with testdata/name.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s differs (run with -update to accept):\n%s", path, d)
	}
}

// each runs test for every node of every case.
func each(t *testing.T, test func(*testing.T, *Input, spec.Node)) {
	t.Helper()
	for _, name := range cases() {
		in := load(t, name)
		for _, n := range in.Cluster.Nodes {
			t.Run(fmt.Sprintf("%s/%s", name, n.Name), func(t *testing.T) { test(t, in, n) })
		}
	}
}
