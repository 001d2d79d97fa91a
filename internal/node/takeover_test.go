//go:build linux

package node

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/layout"
)

// TestTakenOverMachine: what kubeadm had there is copied aside before it is replaced, and taking the cluster off neither brings
// it back nor leaves anything of it; what is the owner's comes back.
func TestTakenOverMachine(t *testing.T) {
	apart(t)
	m := newMachine(t)
	for path, text := range map[string]string{
		"/etc/kubernetes/manifests/etcd.yaml": "kubeadm's etcd", "/etc/kubernetes/manifests/mine.yaml": "a pod of the owner's",
		"/etc/kubernetes/pki/ca.key": "precious", "/etc/kubernetes/tmp/etcd-backup/db": "large",
		"/var/lib/kubelet/config.yaml": "kubeadm's kubelet", "/var/lib/kubelet/pods/x/y": "pod", "/var/lib/etcd/member/wal": "data",
		"/etc/containerd/config.toml": "the owner's", "/etc/cni/net.d/10-flannel.conflist": "{}",
	} {
		m.mustWrite(t, path, text)
	}
	s := state(dir("/etc/kubernetes/manifests"), file("/etc/kubernetes/manifests/etcd.yaml", "ours"), file("/etc/kubernetes/pki/ca.key", "precious"),
		file("/var/lib/kubelet/config.yaml", "ours"), file("/etc/containerd/config.toml", "ours"))
	s.TakeOver = true
	s.Cluster = "0123456789abcdef"
	kept := KeptDir(s.Cluster)
	for range 2 { // the second run, of a killed first one, keeps what the first has kept
		converge(t, m, s)
	}
	for path, want := range map[string]string{
		"/etc/kubernetes/manifests/etcd.yaml": "kubeadm's etcd", "/etc/kubernetes/pki/ca.key": "precious", "/var/lib/kubelet/config.yaml": "kubeadm's kubelet", "/etc/cni/net.d/10-flannel.conflist": "{}",
	} {
		if got := m.mustRead(t, kept+path); got != want {
			t.Errorf("kept of %s: %q", path, got)
		}
	}
	if m.has(kept+"/etc/kubernetes/tmp") || m.has(kept+"/var/lib/kubelet/pods") {
		t.Error("copies of data are kept, too")
	}
	if got := m.mustRead(t, "/etc/kubernetes/manifests/mine.yaml"); got != "a pod of the owner's" {
		t.Errorf("the owner's static pod: %q", got)
	}
	s.TakeOver = false
	converge(t, m, s)
	if err := m.Clean(context.Background(), Cleaning{Cluster: s.Cluster, Purge: true}); err != nil {
		t.Fatal(err)
	}
	if got := m.mustRead(t, "/etc/containerd/config.toml"); got != "the owner's" {
		t.Errorf("the owner's containerd: %q", got)
	}
	for _, path := range []string{"/etc/kubernetes/manifests", "/etc/kubernetes/pki", "/var/lib/kubelet/config.yaml", "/var/lib/kubelet/pods", "/var/lib/etcd/member", "/etc/cni/net.d", layout.Home} {
		if m.has(path) {
			t.Errorf("%s is left", path)
		}
	}
	if !m.has(kept + "/etc/kubernetes/manifests/mine.yaml") {
		t.Error("what was kept is gone")
	}
}

// TestKeepIsWholeOrNot: a copy that was cut off is made again.
func TestKeepIsWholeOrNot(t *testing.T) {
	m := newMachine(t)
	m.mustWrite(t, "/etc/kubernetes/admin.conf", "x")
	m.mustWrite(t, KeptDir("one")+".unfinished/etc/kubernetes/stale", "y")
	if err := m.keep("one"); err != nil {
		t.Fatal(err)
	}
	if m.has(KeptDir("one")+"/etc/kubernetes/stale") || m.mustRead(t, KeptDir("one")+"/etc/kubernetes/admin.conf") != "x" || m.has(KeptDir("one")+".unfinished") {
		t.Error(m.tree(t))
	}
}

func TestOverrides(t *testing.T) {
	m := newMachine(t)
	m.mustWrite(t, "/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf", "[Service]\nEnvironment=X=y\nExecStart=\nExecStart=/usr/bin/kubelet $X\n")
	m.mustWrite(t, "/etc/systemd/system/kubelet.service.d/http-proxy.conf", "[Service]\nEnvironment=HTTP_PROXY=http://proxy\n#ExecStart=/no\n")
	m.mustWrite(t, "/etc/systemd/system/containerd.service.d/mine.conf", "[Service]\nLimitNOFILE=1\n")
	for range 2 {
		if got := m.overrides("kubelet.service"); !slices.Equal(got, []string{"10-kubeadm.conf"}) {
			t.Errorf("%q", got)
		}
		// Hidden, and the package gone, it is still to be hidden: or else it would come and go.
		m.mustWrite(t, "/etc/systemd/system/kubelet.service.d/10-kubeadm.conf", NoOverride)
		if err := os.RemoveAll(m.path("/usr/lib/systemd")); err != nil {
			t.Fatal(err)
		}
	}
	if got := m.overrides("containerd.service"); len(got) > 0 {
		t.Errorf("%q", got)
	}
}

// TestAdoptNetwork: pods keep their addresses, none is given twice, and what pods are given from now on is ours.
func TestAdoptNetwork(t *testing.T) {
	m := newMachine(t)
	if err := m.AdoptNetwork(context.Background()); err != nil {
		t.Errorf("without any network: %v", err)
	}
	m.mustWrite(t, "/etc/cni/net.d/10-flannel.conflist", `{"name": "cbr0", "plugins": []}`)
	if err := m.AdoptNetwork(context.Background()); err == nil || !m.has("/etc/cni/net.d/10-flannel.conflist") {
		t.Errorf("without ours beside it: %v", err)
	}
	m.mustWrite(t, "/etc/cni/net.d/10-slipway.conflist", "{}")
	for name, text := range map[string]string{"10.244.1.2": "pod a\neth0", "10.244.1.3": "pod b\neth0", "last_reserved_ip.0": "10.244.1.3", "lock": ""} {
		m.mustWrite(t, "/var/lib/cni/networks/cbr0/"+name, text)
	}
	m.mustWrite(t, "/run/cni/networks/slipway/10.244.1.3", "pod c\neth0")
	for range 2 {
		if err := m.AdoptNetwork(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	got := map[string]string{}
	list, err := filepath.Glob(m.path("/run/cni/networks/slipway/*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range list {
		got[filepath.Base(path)] = m.mustRead(t, strings.TrimPrefix(path, m.Root))
	}
	if d := cmp.Diff(map[string]string{"10.244.1.2": "pod a\neth0", "10.244.1.3": "pod c\neth0", "last_reserved_ip.0": "10.244.1.3"}, got); d != "" {
		t.Error(d)
	}
	if m.has("/etc/cni/net.d/10-flannel.conflist") || !m.has("/etc/cni/net.d/10-flannel.conflist.replaced-by-slipway") {
		t.Error(m.tree(t))
	}
}
