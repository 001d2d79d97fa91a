package bootstrap

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/slipway/slipway/internal/host"
	"github.com/slipway/slipway/internal/layout"
	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/plan"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/pki"
)

// filed is a machine that holds these files below a directory of this one.
type filed struct {
	unprivileged
	root string
}

func (f filed) Run(ctx context.Context, c host.Command) error {
	c.Args = slices.Clone(c.Args)
	last := len(c.Args) - 1
	c.Args[last] = filepath.Join(f.root, c.Args[last])
	return f.unprivileged.Run(ctx, c)
}

func (f filed) write(t *testing.T, files map[string]string) {
	t.Helper()
	for path, text := range files {
		path = filepath.Join(f.root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// onKubeadm is newRun over machines that kubeadm made: one control plane and one worker, without a balancer.
func onKubeadm(t *testing.T) *Run {
	t.Helper()
	r := newRun(t)
	r.machines = r.machines[:2]
	c := *r.Cluster
	c.Nodes, c.LoadBalancer = c.Nodes[:2], spec.LoadBalancing{Kind: spec.External}
	r.Cluster = &c
	for _, m := range r.machines {
		h := filed{unprivileged{host.NewLocal()}, t.TempDir()}
		m.host = h
		h.write(t, map[string]string{"/etc/kubernetes/pki/ca.crt": string(r.certs.CA(pki.Kubernetes).Cert), "/etc/kubernetes/kubelet.conf": "x"})
		if m.node.Role != spec.ControlPlane {
			continue
		}
		for _, a := range pki.Authorities() {
			h.write(t, map[string]string{a.Path + ".crt": string(r.certs.CA(a.Name).Cert), a.Path + ".key": string(r.certs.CA(a.Name).Key)})
		}
		h.write(t, map[string]string{pki.ServiceAccountPath + ".pub": string(r.certs.ServiceAccount.Cert), pki.ServiceAccountPath + ".key": string(r.certs.ServiceAccount.Key)})
	}
	return r
}

// TestTakeOverIsAskedFor: a cluster that Slipway did not make is nobody's by accident.
func TestTakeOverIsAskedFor(t *testing.T) {
	r := onKubeadm(t)
	id := r.certs.ClusterID()
	_, err := r.recoverCerts(context.Background())
	if foreign := new(TakeOverError); !errors.As(err, &foreign) || !strings.Contains(foreign.Remedy(), "--take-over") {
		t.Fatalf("%v", err)
	}
	r.TakeOver = true
	certs, err := r.recoverCerts(context.Background())
	if err != nil || certs.ClusterID() != id {
		t.Fatalf("%s, want %s: %v", certs.ClusterID(), id, err)
	}
}

func TestFindTaken(t *testing.T) {
	r := onKubeadm(t)
	ctx := context.Background()
	if err := r.findTaken(ctx); err != nil || r.taking {
		t.Fatalf("bare machines: %v", err)
	}
	r.machines[1].facts.Leftovers = []string{"/etc/kubernetes/kubelet.conf"}
	if err := r.findTaken(ctx); !errors.As(err, new(*TakeOverError)) || r.taking { // as after a plan that was never applied
		t.Fatalf("without being asked for: %v", err)
	}
	r.TakeOver = true
	if err := r.findTaken(ctx); err != nil || !r.taking || !r.machines[0].taken || !r.machines[1].taken || r.bare() || !r.takesAnew() {
		t.Fatalf("%v, %t", err, r.taking)
	}
	// The worker is another cluster's: it is not taken, and so preflight refuses what lies there.
	r.machines[1].taken = false
	r.machines[1].host.(filed).write(t, map[string]string{"/etc/kubernetes/pki/ca.crt": "another"})
	if err := r.findTaken(ctx); err != nil || r.machines[1].taken {
		t.Fatalf("another cluster's worker: %v", err)
	}
	// A control plane that is none of the cluster's.
	r.machines[0].taken = false
	r.machines[0].host.(filed).write(t, map[string]string{"/etc/kubernetes/pki/ca.crt": "another"})
	r.machines[1].host.(filed).write(t, map[string]string{"/etc/kubernetes/pki/ca.crt": string(r.certs.CA(pki.Kubernetes).Cert)})
	if err := r.findTaken(ctx); err == nil || !strings.Contains(err.Error(), "not a control plane of the cluster") {
		t.Fatalf("another cluster's control plane: %v", err)
	}
	// One that was begun goes on without being asked for again.
	r = onKubeadm(t)
	if err := r.dir.Put(takeOverFile, takingOver{Unfinished: true}); err != nil {
		t.Fatal(err)
	}
	if err := r.findTaken(ctx); err != nil || !r.taking || !r.machines[0].taken {
		t.Fatalf("begun: %v", err)
	}
}

func TestGuardLive(t *testing.T) {
	for want, change := range map[string]func(*Run, *spec.Cluster){
		"":                    func(*Run, *spec.Cluster) {},
		"Changed version":     func(_ *Run, live *spec.Cluster) { live.Kubernetes = "1.35.4" },
		"Changed range":       func(_ *Run, live *spec.Cluster) { live.Network.Pods = netip.MustParsePrefix("10.0.0.0/8") },
		"Changed pod network": func(_ *Run, live *spec.Cluster) { live.Network.Backend = "host-gw" },
		"Shared address":      func(r *Run, _ *spec.Cluster) { r.Cluster.LoadBalancer.Kind = spec.VIP },
		"Undeclared node": func(_ *Run, live *spec.Cluster) {
			live.Nodes = append(live.Nodes, declare("w-9", spec.Worker, "10.0.0.29"))
		},
		"Another node":           func(_ *Run, live *spec.Cluster) { live.Nodes[1].Address = netip.MustParseAddr("10.0.0.99") },
		"Shared address without": func(r *Run, _ *spec.Cluster) { r.machines[0].facts.Addresses["10.0.0.100"] = "eth0" },
	} {
		r := onKubeadm(t)
		live := *r.Cluster
		live.Nodes = slices.Clone(live.Nodes)
		change(r, &live)
		got := r.guardLive(&live)
		if want == "" && len(got) > 0 || want != "" && (len(got) != 1 || !strings.HasPrefix(got[0].Summary, want)) {
			t.Errorf("%s: %+v", want, got)
		}
	}
}

// TestGuardMachine: containers that could not be kept are a reason to refuse, flags that end are told.
func TestGuardMachine(t *testing.T) {
	for want, files := range map[string]map[string]string{
		"":                       {layout.KubeletConfig: "cgroupDriver: systemd"},
		"makes cgroups by":       {layout.KubeletConfig: "cgroupDriver: cgroupfs"},
		"has the runtime nvidia": {layout.KubeletConfig: "cgroupDriver: systemd", layout.ContainerdConf: "[plugins.'x'.containerd.runtimes.nvidia]\n"},
		"its data in /data":      {layout.KubeletConfig: "cgroupDriver: systemd", layout.ContainerdConf: "version = 2\nroot = \"/data\"\n"},
		"has --root-dir=/data":   {layout.KubeletConfig: "cgroupDriver: systemd", "/var/lib/kubelet/kubeadm-flags.env": `KUBELET_KUBEADM_ARGS="--root-dir=/data"`},
	} {
		r := onKubeadm(t)
		m := r.machines[0]
		m.state.Resources = []node.Resource{{File: &node.File{Path: layout.KubeletConfig, Content: []byte("cgroupDriver: systemd")}}}
		m.host.(filed).write(t, files)
		err := r.guardMachine(context.Background(), m, &plan.Plan{})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", want, err)
		}
		if unfit := new(UnfitError); want != "" && (!errors.As(err, &unfit) || unfit.Remedy() == "") {
			t.Errorf("%s: without a remedy: %v", want, err)
		}
	}
	r, p := onKubeadm(t), &plan.Plan{}
	m := r.machines[0]
	m.state.Resources = []node.Resource{{File: &node.File{Path: layout.KubeletConfig, Content: []byte("{}")}}}
	m.host.(filed).write(t, map[string]string{
		"/var/lib/kubelet/kubeadm-flags.env": `KUBELET_KUBEADM_ARGS="--node-ip=10.0.0.11 --pod-infra-container-image=x"`,
		"/etc/default/kubelet":               "# --commented=1\nKUBELET_EXTRA_ARGS=--v=4 --max-pods=7\n",
	})
	if err := r.guardMachine(context.Background(), m, p); err != nil || len(p.Warnings) != 2 || !strings.Contains(p.Warnings[0], "--v=4") || !strings.Contains(p.Warnings[1], "--max-pods=7") {
		t.Errorf("%v: %q", err, p.Warnings)
	}
}

func TestUnsealed(t *testing.T) {
	r := onKubeadm(t)
	r.machines[0].taken = true
	if r.unsealed() {
		t.Error("the only API server is the one that seals")
	}
	r.machines = append(r.machines, &machine{node: declare("cp-2", spec.ControlPlane, "10.0.0.12")})
	if !r.unsealed() {
		t.Error("cp-2 could not read what cp-1 seals")
	}
	r.machines[0].taken = false
	if r.unsealed() {
		t.Error("both know the key")
	}
}
