package components

import (
	"bytes"
	"encoding/json"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/slipway/slipway/internal/backup"
	"github.com/slipway/slipway/internal/layout"
	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/pki"
)

// TestSameInputSameBytes: an apply that is repeated must find nothing to change. Maps are walked in another
// order each time, so a few rounds tell.
func TestSameInputSameBytes(t *testing.T) {
	for _, name := range cases() {
		in := load(t, name)
		first := whole(t, in)
		for range 5 {
			if diff := cmp.Diff(first, whole(t, in)); diff != "" {
				t.Fatalf("%s: %s", name, diff)
			}
		}
	}
}

func whole(t *testing.T, in *Input) string {
	t.Helper()
	var out strings.Builder
	for _, n := range in.Cluster.Nodes {
		s, err := in.State(n)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(text)
	}
	return out.String() + in.objectsText(t)
}

// TestSecretsAreMarked: every private key, and what embeds one, is Secret, for root alone, and nowhere else.
func TestSecretsAreMarked(t *testing.T) {
	each(t, func(t *testing.T, in *Input, n spec.Node) {
		for _, r := range in.state(t, n.Name) {
			if r.File == nil {
				continue
			}
			secret := bytes.Contains(r.File.Content, []byte("PRIVATE KEY")) || bytes.Contains(r.File.Content, []byte("client-key-data")) ||
				r.File.Path == pki.EncryptionPath || r.File.Path == backup.CredentialsPath
			if secret != r.File.Secret || secret && r.File.Mode != 0o600 {
				t.Errorf("%s: mode %o, marked secret %t, is secret %t", r.File.Path, r.File.Mode, r.File.Secret, secret)
			}
			if r.File.Mode&0o022 != 0 {
				t.Errorf("%s: mode %o lets others write", r.File.Path, r.File.Mode)
			}
		}
	})
}

// TestOnlyControlPlanesHoldAuthorities: a stolen worker must not be able to issue certificates.
func TestOnlyControlPlanesHoldAuthorities(t *testing.T) {
	each(t, func(t *testing.T, in *Input, n spec.Node) {
		var keys []string
		for _, r := range in.state(t, n.Name) {
			if r.File != nil && path.Ext(r.File.Path) == ".key" && strings.HasPrefix(r.File.Path, layout.PKI) {
				keys = append(keys, r.File.Path)
			}
			if r.File != nil && bytes.Contains(r.File.Content, in.Certs.Shared(pki.SuperAdmin).Key) {
				t.Errorf("%s holds the super-admin's key", r.File.Path)
			}
		}
		if n.Role == spec.ControlPlane && len(keys) < 8 || n.Role != spec.ControlPlane && len(keys) > 0 {
			t.Errorf("a %s holds %v", n.Role, keys)
		}
	})
}

// TestUnitsRestartOnWhatIsThere: a misspelt ID would never restart anything.
func TestUnitsRestartOnWhatIsThere(t *testing.T) {
	each(t, func(t *testing.T, in *Input, n spec.Node) {
		state := in.state(t, n.Name)
		units := 0
		for _, r := range state {
			if r.Unit == nil {
				continue
			}
			if !strings.HasSuffix(r.Unit.Name, ".timer") {
				units++
			}
			for _, id := range append([]string{"file /etc/systemd/system/" + r.Unit.Name}, r.Unit.RestartOn...) {
				if _, ok := state[id]; !ok || !slices.Contains(r.Unit.RestartOn, id) {
					t.Errorf("unit %s: %s is in the state: %t, restarts it: %t", r.Unit.Name, id, ok, slices.Contains(r.Unit.RestartOn, id))
				}
			}
		}
		if units != 2 {
			t.Errorf("%d units, want containerd and the kubelet", units)
		}
	})
}

// annotations are the inputs annotation of each static pod of the node, by name.
func annotations(t *testing.T, in *Input, name string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, r := range in.state(t, name) {
		if r.File != nil && path.Dir(r.File.Path) == layout.Manifests {
			pod := decode[*corev1.Pod](t, r.File.Path, r.File.Content)
			if len(pod.Annotations[InputsAnnotation]) != 32 {
				t.Errorf("%s: inputs are %q", pod.Name, pod.Annotations[InputsAnnotation])
			}
			out[pod.Name] = pod.Annotations[InputsAnnotation]
		}
	}
	return out
}

// TestPodsRestartForTheirInputs changes one thing after the other and looks at which static pods would be
// restarted for it: too few would run on with an old certificate, too many would disturb the cluster.
func TestPodsRestartForTheirInputs(t *testing.T) {
	all := []string{"etcd", "haproxy", "keepalived", "kube-apiserver", "kube-controller-manager", "kube-scheduler"}
	for name, test := range map[string]struct {
		change func(*testing.T, *Input)
		want   []string
	}{
		"nothing":       {func(*testing.T, *Input) {}, nil},
		"the authority": {func(t *testing.T, in *Input) { in.Certs = load(t, "vip").Certs }, []string{"etcd", "haproxy", "kube-apiserver", "kube-controller-manager", "kube-scheduler"}},
		"the API server's name": {func(t *testing.T, in *Input) {
			in.Cluster.PKI.ExtraSANs = []string{"api.example.com"}
			if issued, err := in.Certs.Ensure(in.Cluster, time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)); err != nil || len(issued) != 3 {
				t.Fatal(issued, err)
			}
		}, []string{"kube-apiserver"}},
		"the encryption key":      {func(_ *testing.T, in *Input) { in.Certs.EncryptionKey = bytes.Repeat([]byte{7}, 32) }, []string{"kube-apiserver"}},
		"kube's image":            {image("kube"), []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler"}},
		"etcd's image":            {image("etcd"), []string{"etcd"}},
		"the balancer's image":    {image("loadbalancer"), []string{"haproxy", "keepalived"}},
		"the proxy's image":       {image("kube-proxy"), nil},
		"the virtual router's id": {func(_ *testing.T, in *Input) { in.Cluster.LoadBalancer.RouterID = 99 }, []string{"keepalived"}},
		"a control plane more": {func(t *testing.T, in *Input) {
			in.Cluster.Nodes[3].Role = spec.ControlPlane
			if _, err := in.Certs.Ensure(in.Cluster, time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)); err != nil {
				t.Fatal(err)
			}
		}, []string{"etcd", "haproxy", "keepalived"}}, // unless it is known how the member entered: see membership_test.go
	} {
		t.Run(name, func(t *testing.T) {
			in := load(t, "vip")
			before := annotations(t, in, "cp-1")
			if got := slices.Sorted(maps.Keys(before)); !slices.Equal(got, all) {
				t.Fatalf("static pods %v", got)
			}
			test.change(t, in)
			var got []string
			for pod, inputs := range annotations(t, in, "cp-1") {
				if inputs != before[pod] {
					got = append(got, pod)
				}
			}
			slices.Sort(got)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// image gives the named image other bytes under the same reference, as a bundle built anew may.
func image(name string) func(*testing.T, *Input) {
	return func(_ *testing.T, in *Input) {
		i := in.Payload.Images[name]
		i.Manifest.Digest = "sha256:" + strings.Repeat("ab", 32)
		in.Payload.Images[name] = i
	}
}

// TestOnlyWhatARoleNeeds: a machine gets no image and no program that it does not run.
func TestOnlyWhatARoleNeeds(t *testing.T) {
	for name, want := range map[string][]string{
		"cp-1": {"coredns", "etcd", "flannel", "kube", "kube-proxy", "metrics-server", "pause"},
		"w-1":  {"coredns", "flannel", "kube", "kube-proxy", "metrics-server", "pause"},
		"lb-1": {"kube", "loadbalancer", "pause"},
	} {
		in := load(t, "balancer-nodes")
		var images []string
		for _, r := range in.state(t, name) {
			if r.Image != nil {
				images = append(images, strings.TrimSuffix(strings.TrimPrefix(r.Image.Ref, "slipway.local/"), ":v1"))
			}
		}
		slices.Sort(images)
		if diff := cmp.Diff(want, images); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestIncompleteBundles name what is missing.
func TestIncompleteBundles(t *testing.T) {
	for what, lose := range map[string]func(Payload){
		`image "etcd"`:  func(p Payload) { delete(p.Images, "etcd") },
		`image "pause"`: func(p Payload) { delete(p.Images, "pause") },
		`binary "runc"`: func(p Payload) { delete(p.Binaries, "runc") },
		`binary "kube"`: func(p Payload) { delete(p.Binaries, "kube") },
	} {
		in := load(t, "vip")
		lose(in.Payload)
		_, err := in.State(in.declared(t, "cp-1"))
		if err == nil || !strings.Contains(err.Error(), "cp-1: the bundle holds no "+what) {
			t.Errorf("without %s: %v", what, err)
		}
	}
	in := load(t, "vip")
	in.Certs = &pki.Set{}
	if _, err := in.State(in.declared(t, "w-1")); err == nil || !strings.Contains(err.Error(), "w-1: no certificate") {
		t.Errorf("without certificates: %v", err)
	}
}

// position is where a resource stands in the state.
func position(t *testing.T, s node.State, id string) int {
	t.Helper()
	i := slices.IndexFunc(s.Resources, func(r node.Resource) bool { return r.ID() == id })
	if i < 0 {
		t.Fatalf("no %s", id)
	}
	return i
}

// TestOrder: what something stands on is made before it.
func TestOrder(t *testing.T) {
	in := load(t, "vip")
	s, err := in.State(in.declared(t, "cp-1"))
	if err != nil {
		t.Fatal(err)
	}
	for _, pair := range [][2]string{
		{"module br_netfilter", "sysctl net.bridge.bridge-nf-call-iptables"},
		{"module nf_conntrack", "sysctl net.netfilter.nf_conntrack_tcp_timeout_established"},
		{"binary /usr/local/bin/runc", "unit containerd.service"},
		{"unit containerd.service", "image slipway.local/pause:v1"},
		{"image slipway.local/kube:v1", "unit kubelet.service"},
		{"image slipway.local/etcd:v1", "unit kubelet.service"},
		{"image slipway.local/loadbalancer:v1", "unit kubelet.service"},
		{"file /etc/kubernetes/pki/apiserver.key", "file /etc/kubernetes/manifests/kube-apiserver.yaml"},
		{"file " + pki.EncryptionPath, "file /etc/kubernetes/manifests/kube-apiserver.yaml"},
		{"file /etc/kubernetes/manifests/etcd.yaml", "unit kubelet.service"},
		{"unit kubelet.service", "image slipway.local/coredns:v1"},
	} {
		if position(t, s, pair[0]) > position(t, s, pair[1]) {
			t.Errorf("%s comes after %s", pair[0], pair[1])
		}
	}
}

// TestBackupIsForControlPlanes: nobody else is given what archives are made with, and without the block nobody is. What is not known of the
// object store is not made up.
func TestBackupIsForControlPlanes(t *testing.T) {
	in := load(t, "external")
	of := func(name string) (found []string) {
		for id := range in.state(t, name) {
			if strings.Contains(id, "/etc/slipway") || strings.Contains(id, "slipway-backup") || strings.Contains(id, "slipway-verify") {
				found = append(found, id)
			}
		}
		return found
	}
	if all, none := of("cp-1"), of("w-1"); len(all) != 9 || len(none) != 0 {
		t.Errorf("cp-1 %q, w-1 %q", all, none)
	}
	in.ObjectStore = ObjectStore{}
	if all := of("cp-2"); len(all) != 8 || slices.Contains(all, "file "+backup.CredentialsPath) {
		t.Errorf("without credentials: %q", all)
	}
	in.Cluster.Backup = nil
	if none := of("cp-1"); len(none) != 0 {
		t.Errorf("without the block: %q", none)
	}
}
