package pki

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/spec"
)

// onNodes lays the set out as its machines hold it.
func onNodes(t *testing.T, s *Set, c *spec.Cluster) map[string]map[string][]byte {
	t.Helper()
	out := map[string]map[string][]byte{}
	for _, n := range c.Nodes {
		files := map[string][]byte{}
		if n.Role == spec.ControlPlane {
			for _, a := range Authorities() {
				files[a.Path+".crt"], files[a.Path+".key"] = s.CA(a.Name).Cert, s.CA(a.Name).Key
			}
			files[ServiceAccountPath+".pub"], files[ServiceAccountPath+".key"] = s.ServiceAccount.Cert, s.ServiceAccount.Key
			files[EncryptionPath] = encryptionConfig(s.EncryptionKey)
		}
		for name, kp := range s.Node(n.Name) {
			l := leafNamed(t, name)
			if l.Path != "" {
				files[l.Path+".crt"], files[l.Path+".key"] = kp.Cert, kp.Key
				continue
			}
			config, err := Kubeconfig("prod", "https://10.0.0.100:6443", s.CA(Kubernetes).Cert, name, kp)
			if err != nil {
				t.Fatal(err)
			}
			files[l.Kubeconfig] = config
		}
		out[n.Name] = files
	}
	return out
}

func encryptionConfig(keys ...Secret) []byte {
	out := `{"apiVersion":"apiserver.config.k8s.io/v1","kind":"EncryptionConfiguration","resources":[{"resources":["secrets"],"providers":[{"secretbox":{"keys":[`
	for i, k := range keys {
		if i > 0 {
			out += ","
		}
		out += fmt.Sprintf(`{"name":"key%d","secret":%q}`, i, base64.StdEncoding.EncodeToString(k))
	}
	return []byte(out + `]}},{"identity":{}}]}]}`)
}

func leafNamed(t *testing.T, name string) Leaf {
	t.Helper()
	i := slices.IndexFunc(Table(), func(l Leaf) bool { return l.Name == name })
	if i < 0 {
		t.Fatalf("no leaf %s", name)
	}
	return Table()[i]
}

func TestRebuild(t *testing.T) {
	c := testCluster()
	s := create(t, c)
	nodes := onNodes(t, s, c)
	for _, n := range c.Nodes {
		have := slices.Sorted(maps.Keys(nodes[n.Name]))
		if diff := cmp.Diff(slices.Sorted(slices.Values(RecoverPaths(n.Role))), have); diff != "" {
			t.Errorf("paths to recover from %s: %s", n.Name, diff)
		}
	}
	got, err := Rebuild(nodes)
	if err != nil {
		t.Fatal(err)
	}
	if got.ClusterID() != s.ClusterID() {
		t.Error("another cluster id")
	}
	issued := ensure(t, got, c, testNow)
	if diff := cmp.Diff([]Issued{{Name: SuperAdmin, Reason: "missing"}}, issued); diff != "" {
		t.Errorf("issued beside what the operator alone had: %s", diff)
	}
	got.put("", SuperAdmin, s.Shared(SuperAdmin))
	if !maps.EqualFunc(got.Files(), s.Files(), bytes.Equal) {
		t.Error("the set differs from the one lost")
	}
}

func TestRebuildFromOneControlPlane(t *testing.T) {
	c := testCluster()
	s := create(t, c)
	nodes := onNodes(t, s, c)
	delete(nodes["cp-2"], "/etc/kubernetes/scheduler.conf")
	nodes["cp-2"]["/etc/kubernetes/kubelet.conf"] = []byte("{")
	nodes["cp-2"]["/etc/kubernetes/pki/apiserver.key"] = s.CA(Etcd).Key
	got, err := Rebuild(map[string]map[string][]byte{"cp-2": nodes["cp-2"]})
	if err != nil {
		t.Fatal(err)
	}
	var here []string
	for _, i := range ensure(t, got, c, testNow) {
		if i.Node == "cp-2" {
			here = append(here, i.Name)
		}
	}
	if diff := cmp.Diff([]string{APIServer, Scheduler, Kubelet}, here); diff != "" {
		t.Error(diff)
	}
	if got.ClusterID() != s.ClusterID() || !bytes.Equal(got.EncryptionKey, s.EncryptionKey) {
		t.Error("not the same cluster")
	}
}

func TestRebuildRefuses(t *testing.T) {
	c := testCluster()
	s, other := create(t, c), create(t, c)
	for name, test := range map[string]struct {
		change func(map[string]map[string][]byte)
		want   string
	}{
		"no control plane": {func(n map[string]map[string][]byte) {
			maps.DeleteFunc(n, func(k string, _ map[string][]byte) bool { return k != "w-1" })
		},
			"no node holds both /etc/kubernetes/pki/ca.crt and /etc/kubernetes/pki/ca.key"},
		"another cluster's node": {func(n map[string]map[string][]byte) { n["cp-3"] = onNodes(t, other, c)["cp-3"] },
			"cp-1 and cp-3 hold different /etc/kubernetes/pki/ca.crt"},
		"another encryption key": {func(n map[string]map[string][]byte) {
			n["cp-2"][EncryptionPath] = encryptionConfig(other.EncryptionKey)
		},
			"cp-1 and cp-2 hold different /etc/kubernetes/pki/encryption.yaml"},
		"two encryption keys": {func(n map[string]map[string][]byte) {
			n["cp-1"][EncryptionPath] = encryptionConfig(s.EncryptionKey, other.EncryptionKey)
		}, "encryption.yaml on cp-1: it has 2 secretbox keys, one was expected"},
		"unreadable encryption key": {func(n map[string]map[string][]byte) { n["cp-1"][EncryptionPath] = []byte("{secret") },
			"encryption.yaml on cp-1: not a readable EncryptionConfiguration"},
		"a torn authority": {func(n map[string]map[string][]byte) {
			for _, cp := range []string{"cp-1", "cp-2", "cp-3"} {
				n[cp]["/etc/kubernetes/pki/etcd/ca.key"] = s.CA(FrontProxy).Key
			}
		}, "the etcd authority: tls: private key does not match public key"},
	} {
		nodes := onNodes(t, s, c)
		test.change(nodes)
		if _, err := Rebuild(nodes); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestKubeconfig(t *testing.T) {
	s := create(t, testCluster())
	kp := s.Shared(Admin)
	make := func() []byte {
		out, err := Kubeconfig("prod", "https://10.0.0.100:6443", s.CA(Kubernetes).Cert, "kubernetes-admin", kp)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	text := make()
	if !bytes.Equal(text, make()) {
		t.Error("not the same bytes twice")
	}
	for _, want := range []string{"current-context: kubernetes-admin@prod", "server: https://10.0.0.100:6443", "kind: Config"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("lacks %q", want)
		}
	}
	got, err := embeddedPair(text)
	if err != nil || !bytes.Equal(got.Cert, kp.Cert) || !bytes.Equal(got.Key, kp.Key) {
		t.Errorf("read back: %v", err)
	}
	if _, err := Kubeconfig("prod", "https://x", nil, "u", kp); err == nil {
		t.Error("made without an authority")
	}
	for _, bad := range []string{"", "{", "kind: Config\napiVersion: v1\n"} {
		if _, err := embeddedPair([]byte(bad)); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

// TestAdopt: a cluster of kubeadm's keeps its authorities and its leaves, and gets a key to seal Secrets with.
func TestAdopt(t *testing.T) {
	c := testCluster()
	s := create(t, c)
	files := onNodes(t, s, c)
	for _, f := range files {
		delete(f, EncryptionPath)
	}
	if _, err := Rebuild(files); err == nil || !strings.Contains(err.Error(), "no node holds "+EncryptionPath) {
		t.Errorf("taken for Slipway's: %v", err)
	}
	got, err := Adopt(files)
	if err != nil {
		t.Fatal(err)
	}
	if got.ClusterID() != s.ClusterID() || !bytes.Equal(got.ServiceAccount.Key, s.ServiceAccount.Key) || len(got.EncryptionKey) != encryptionKeySize || bytes.Equal(got.EncryptionKey, s.EncryptionKey) {
		t.Error("another cluster, or no key of its own")
	}
	for name, f := range files {
		if _, cp := f["/etc/kubernetes/pki/ca.key"]; cp {
			delete(files[name], "/etc/kubernetes/pki/ca.key") // kept elsewhere, as kubeadm allows
		}
	}
	if _, err := Adopt(files); err == nil || !strings.Contains(err.Error(), "ca.key") {
		t.Errorf("without the authority's key: %v", err)
	}
}

// TestAdoptNewer: of a node that joined again its newer certificates are taken, and of one that did not, nothing.
func TestAdoptNewer(t *testing.T) {
	c := testCluster()
	old := create(t, c)
	later := copyOf(t, old)
	delete(later.leaves, "cp-1")
	ensure(t, later, c, testNow.Add(time.Hour))
	again, before, now := onNodes(t, later, c)["cp-1"], onNodes(t, old, c)["cp-1"], copyOf(t, old)
	if names := now.AdoptNewer("cp-1", again); len(names) < 8 || !slices.Contains(names, EtcdPeer) || slices.Contains(names, Admin) {
		t.Errorf("adopted %v", names)
	}
	if diff := cmp.Diff(later.Node("cp-1")[EtcdPeer].Cert, now.Node("cp-1")[EtcdPeer].Cert); diff != "" {
		t.Error("the newer certificate is not taken")
	}
	foreign, err := Create(c, testNow.Add(2*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	for what, files := range map[string]map[string][]byte{"the same": again, "older": before, "none": nil, "foreign": onNodes(t, foreign, c)["cp-1"]} {
		if names := now.AdoptNewer("cp-1", files); len(names) > 0 {
			t.Errorf("%s: adopted %v", what, names)
		}
	}
}
