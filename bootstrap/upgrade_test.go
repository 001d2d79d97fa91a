package bootstrap

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/slipway/slipway/components"
	"github.com/slipway/slipway/internal/kube"
	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/internal/statedir"
)

func TestHopByHand(t *testing.T) {
	for _, test := range []struct{ from, to, what, remedy string }{
		{"1.34.4", "1.35.4", "", ""},
		{"1.35.4", "1.36.3", "", ""},
		{"1.34.4", "1.36.3", "1.36.3 is too far", "slipway upgrade apply 1.35.4 first"},
		{"1.36.3", "1.35.4", "does not go back to 1.35.4", "slipway upgrade plan"},
		{"1.35.4", "1.36.9", "there is no Kubernetes 1.36.9 in this slipway, which knows 1.34.4, 1.35.4 and 1.36.3", "slipway upgrade plan"},
		{"1.35.4", "newest", "there is no Kubernetes newest", "slipway upgrade plan"},
	} {
		err := hopByHand(test.from, test.to)
		if test.what == "" {
			if err != nil {
				t.Errorf("%s to %s: %v", test.from, test.to, err)
			}
			continue
		}
		refused := new(UpgradeError)
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), test.what) || !strings.Contains(refused.Remedy(), test.remedy) {
			t.Errorf("%s to %s: %v", test.from, test.to, err)
		}
	}
}

// declaring is an API that holds the declaration of a cluster of the version.
func declaring(t *testing.T, version string, c *change, more ...corev1.Node) *kube.Client {
	t.Helper()
	declared := begun(t, "10.0.0.100:6443")
	declared.Kubernetes = version
	m := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: components.DeclarationName, Namespace: metav1.NamespaceSystem},
		Data:       map[string]string{components.DeclarationKey: string(spec.Write(declared))},
	}
	client := &kube.Client{Typed: fake.NewClientset(m)}
	for _, n := range more {
		if _, err := client.Typed.CoreV1().Nodes().Create(t.Context(), &n, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if c != nil {
		r := &Run{Here: c.By, opened: true, rollout: &rollout{From: c.From, To: c.To, Begun: c.Begun, Snapshot: c.Snapshot}}
		if err := r.declare(t.Context(), client); err != nil {
			t.Fatal(err)
		}
	}
	return client
}

func handRun(t *testing.T, here string) *Run {
	t.Helper()
	dir, err := statedir.Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dir.Close() })
	return &Run{Cluster: begun(t, "10.0.0.100:6443"), Here: here, dir: dir}
}

// TestChange: a change is the cluster's from the first machine on, is declared once, and ends with the version that there is then.
func TestChange(t *testing.T) {
	now := time.Now().UTC().Truncate(time.Second)
	client := declaring(t, "1.35.4", &change{From: "1.35.4", To: "1.36.3", By: "cp-1", Begun: now, Snapshot: "/s.db"})
	r := handRun(t, "cp-1")
	if err := r.stands(t.Context(), client.Typed); err != nil {
		t.Fatal(err)
	}
	if r.Cluster.Kubernetes != "1.36.3" || r.change == nil || *r.change != (change{"1.35.4", "1.36.3", "cp-1", now, "/s.db"}) || !r.opened {
		t.Errorf("%s, %+v", r.Cluster.Kubernetes, r.change)
	}
	if err := r.aim("1.36.3"); err != nil || r.rollout.Snapshot != "/s.db" || r.rollout.From != "1.35.4" {
		t.Errorf("gone on with: %+v, %v", r.rollout, err)
	}
	if err := r.declare(t.Context(), client); err != nil {
		t.Errorf("declared again: %v", err)
	}
	other := handRun(t, "cp-2")
	other.opened, other.rollout = true, &rollout{From: "1.35.4", To: "1.36.3"}
	if err := other.declare(t.Context(), client); err == nil || !strings.Contains(err.Error(), "begun on cp-1, since this run began") {
		t.Errorf("two began at once: %v", err)
	}
	if err := halfWay(t.Context(), client); err == nil {
		t.Error("a cluster between versions is exported")
	}
	for _, to := range []string{"1.35.4", "1.34.4"} {
		if err := r.aim(to); err == nil || !strings.Contains(err.Error(), "a change from 1.35.4 to 1.36.3 stands half way, begun on cp-1") {
			t.Errorf("to %s: %v", to, err)
		}
	}
	if err := r.closeChange(t.Context(), client, "1.35.4"); err != nil { // as when the first was put back
		t.Fatal(err)
	}
	again := handRun(t, "cp-1")
	if err := again.stands(t.Context(), client.Typed); err != nil || again.change != nil || again.Cluster.Kubernetes != "1.35.4" {
		t.Errorf("withdrawn: %s, %+v, %v", again.Cluster.Kubernetes, again.change, err)
	}
	if err := again.aim(""); err != nil || again.rollout != nil {
		t.Errorf("no change is under way: %+v, %v", again.rollout, err)
	}
}

// TestApplyMarksTheCluster: what a file says of it elsewhere must not be overtaken here.
func TestApplyMarksTheCluster(t *testing.T) {
	client := declaring(t, "1.35.4", nil)
	c, err := withControlPlane(begun(t, "10.0.0.100:6443"), declare("cp-2", spec.ControlPlane, "10.0.0.12"))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		err := edit(t.Context(), client.Typed, func(kept *corev1.ConfigMap) error {
			declareAgain(kept, c, true)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	refused := new(UpgradeError)
	err = handRun(t, "cp-1").stands(t.Context(), client.Typed)
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), "slipway apply looks after this cluster") || !strings.Contains(refused.Remedy(), "slipway plan -f FILE") {
		t.Errorf("%v", err)
	}
	if c, err := declaredIn(t.Context(), client.Typed, ""); err != nil || c.Kubernetes != "1.36.3" || len(c.ControlPlanes()) != 2 {
		t.Errorf("the declaration says something else than the file: %v", err)
	}
	closed := &Run{Cluster: c, asked: &kube.Client{Typed: fake.NewClientset()}}
	if err := closed.markApplied(t.Context()); err != nil {
		t.Errorf("a cluster that nobody can join: %v", err)
	}
}

// TestJoinsWaitForUpgrades: a machine that joins would be newer than control planes that there are.
func TestJoinsWaitForUpgrades(t *testing.T) {
	at := func(name, version string) corev1.Node {
		n := corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}
		n.Status.NodeInfo.KubeletVersion = version
		return n
	}
	c, err := withControlPlane(begun(t, "10.0.0.100:6443"), declare("cp-2", spec.ControlPlane, "10.0.0.12"))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		nodes []corev1.Node
		want  string
	}{
		"all there":              {[]corev1.Node{at("cp-1", "v1.36.3"), at("cp-2", "v1.36.3")}, ""},
		"one behind":             {[]corev1.Node{at("cp-1", "v1.36.3"), at("cp-2", "v1.35.4")}, "of its control planes cp-2 are not there yet"},
		"a join that was cut":    {[]corev1.Node{at("cp-1", "v1.36.3")}, ""},
		"newer than is declared": {[]corev1.Node{at("cp-1", "v1.37.0"), at("cp-2", "v1.37.0")}, ""},
	} {
		err := mayJoin(t.Context(), declaring(t, "1.36.3", nil, test.nodes...).Typed, c, "w-1")
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := mayJoin(t.Context(), declaring(t, "1.36.3", nil, at("cp-1", "v1.36.3"), at("cp-2", "v1.35.4")).Typed, c, "cp-2"); err != nil {
		t.Errorf("its own second try: %v", err)
	}
}

// TestSpare: what the cluster's own pods run from stays until all machines have what is next.
func TestSpare(t *testing.T) {
	m := &machine{changes: []node.Change{
		{ID: "image slipway.local/kube-proxy:v1.35.4", Action: node.Delete}, {ID: "image slipway.local/kube-proxy:v1.36.3", Action: node.Create},
		{ID: "file /etc/old", Action: node.Delete},
	}}
	spare(m)
	if len(m.changes) != 2 || m.changes[0].Action != node.Create || len(m.state.Spared) != 1 || m.state.Spared[0] != "image slipway.local/kube-proxy:v1.35.4" {
		t.Errorf("changes %v, spared %q", m.changes, m.state.Spared)
	}
}

func TestHereFirst(t *testing.T) {
	r := &Run{Here: "cp-2"}
	var names []string
	for _, n := range r.hereFirst([]spec.Node{{Name: "cp-1"}, {Name: "cp-2"}, {Name: "cp-3"}}) {
		names = append(names, n.Name)
	}
	if got := strings.Join(names, " "); got != "cp-2 cp-1 cp-3" {
		t.Error(got)
	}
}

// TestOwnPlace: machines that are not upgraded by hand are told where they are.
func TestOwnPlace(t *testing.T) {
	if _, err := os.Stat(ownFile); err == nil {
		t.Skip("a cluster was made on this machine")
	}
	home := t.TempDir()
	if _, _, err := ownPlace(home); err == nil || !strings.Contains(err.Error(), "in no cluster that was made by hand") {
		t.Errorf("%v", err)
	}
	if err := os.WriteFile(filepath.Join(home, "inventory.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := ownPlace(home); err == nil || !strings.Contains(err.Error(), "slipway apply made this machine") {
		t.Errorf("%v", err)
	}
}

// TestAimRefusesFlags: what the cluster was begun with must be known to the version to come, and a change that stands half way goes on.
func TestAimRefusesFlags(t *testing.T) {
	r := handRun(t, "cp-1")
	r.Cluster.Kubernetes = "1.35.4"
	r.Cluster.Flags = map[string]map[string]string{"kube-scheduler": {"no-such-flag": "1"}}
	refused := new(spec.Error)
	if err := r.aim("1.36.3"); !errors.As(err, &refused) || !strings.Contains(strings.Join(strings.Fields(err.Error()), " "), "of Kubernetes 1.36.3 has no flag --no-such-flag. slipway export writes") {
		t.Errorf("%v", err)
	}
	r = handRun(t, "cp-1")
	r.Cluster.Flags = map[string]map[string]string{"kube-scheduler": {"no-such-flag": "1"}}
	r.change = &change{From: "1.35.4", To: "1.36.3", By: "cp-1", Begun: time.Now()}
	if err := r.aim(""); err != nil {
		t.Errorf("half way: %v", err)
	}
}
