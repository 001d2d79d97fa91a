package bootstrap

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/slipway/slipway/internal/host"
	"github.com/slipway/slipway/internal/plan"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/pki"
)

// dialled is this machine, from which every connection leads to one address, and which has no files.
type dialled struct {
	unprivileged
	to string
}

func (d dialled) Dial(ctx context.Context, network, _ string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, network, d.to)
}

func (d dialled) Run(context.Context, host.Command) error { return nil }

// serveNodes gives cp-1 of r an API server with its right certificate that knows these nodes, which Slipway made.
func serveNodes(t *testing.T, r *Run, nodes ...corev1.Node) {
	t.Helper()
	pair := r.certs.Node("cp-1")[pki.APIServer]
	cert, err := tls.X509KeyPair(pair.Cert, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	for i := range nodes {
		nodes[i].Annotations = map[string]string{"slipway.dev/owned": "{}"}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) })
	mux.HandleFunc("GET /api/v1/nodes", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(corev1.NodeList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "NodeList"}, Items: nodes})
	})
	server := httptest.NewUnstartedServer(mux)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	t.Cleanup(server.Close)
	r.machines[0].host = dialled{to: server.Listener.Addr().String()}
}

func registered(name, role, address string) corev1.Node {
	return corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"node-role.kubernetes.io/" + role: ""}},
		Status:     corev1.NodeStatus{Addresses: []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: address}}},
	}
}

// TestRecall: a state directory made anew learns from the cluster which nodes there are.
func TestRecall(t *testing.T) {
	r := newRun(t)
	r.Cluster.SSH = spec.SSH{User: "debian", Port: 2222}
	if err := r.recall(t.Context()); err != nil {
		t.Fatal(err)
	}
	if nodes, err := r.dir.Nodes(); nodes != nil || err != nil {
		t.Fatalf("of bare machines: %v, %v", nodes, err)
	}
	for _, m := range []*machine{r.machines[0], r.machines[2]} { // a balancer has no Node
		m.facts.Cluster, m.facts.Node = r.certs.ClusterID(), m.node.Name
	}
	serveNodes(t, r, registered("cp-1", "control-plane", "10.0.0.11"), registered("w-1", "worker", "10.0.0.21"), registered("w-2", "worker", "10.0.0.22"))
	if err := r.recall(t.Context()); err != nil {
		t.Fatal(err)
	}
	p := &plan.Plan{}
	if err := r.findGone(t.Context(), p); err != nil || len(p.Nodes) != 1 || p.Nodes[0].Name != "w-2" || p.Nodes[0].Address != "10.0.0.22" || !p.Nodes[0].Removed {
		t.Errorf("%+v, %v", p.Nodes, err)
	}
	if gone := r.gone[0].node; gone.Role != spec.Worker || gone.SSH.User != "debian" || gone.SSH.Port != 2222 {
		t.Errorf("%+v", gone)
	}
	nodes, err := r.dir.Nodes()
	if err != nil || names(nodes) != "cp-1, lb-1, w-1, w-2" {
		t.Errorf("%s, %v", names(nodes), err)
	}
}

// TestRecallGuards: what is recalled is guarded at once, for the guards knew nothing before.
func TestRecallGuards(t *testing.T) {
	r := newRun(t)
	r.machines[0].facts.Cluster = r.certs.ClusterID()
	serveNodes(t, r, registered("cp-1", "control-plane", "10.0.0.11"), registered("cp-2", "control-plane", "10.0.0.12"), registered("w-1", "worker", "10.0.0.29"))
	got := objections(t, r.recall(t.Context()))
	if len(got) != 1 || !strings.HasPrefix(got[0], "Changed address: w-1 was applied as 10.0.0.29") {
		t.Errorf("%q", got)
	}
}

// TestRecallWithoutAPI: what cannot be known yet must not be written down as nothing, and is known later.
func TestRecallWithoutAPI(t *testing.T) {
	r, seen := newRun(t), &log{}
	r.Sink = seen
	r.machines[0].facts.Cluster = r.certs.ClusterID()
	r.machines[0].host = dialled{to: "127.0.0.1:1"}
	if err := r.recall(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.remember(); err != nil {
		t.Fatal(err)
	}
	if nodes, err := r.dir.Nodes(); nodes != nil || err != nil {
		t.Errorf("%v, %v", nodes, err)
	}
	r.machines[0].kube = nil
	serveNodes(t, r, registered("cp-1", "control-plane", "10.0.0.11"), registered("w-2", "worker", "10.0.0.22"))
	if err := r.recallLate(t.Context()); err != nil {
		t.Fatal(err)
	}
	nodes, err := r.dir.Nodes()
	if err != nil || names(nodes) != "cp-1, lb-1, w-1, w-2" || len(r.gone) > 0 {
		t.Errorf("%s, %d to go, %v", names(nodes), len(r.gone), err)
	}
	last := seen.events[len(seen.events)-1]
	if last.Node != "w-2" || !strings.Contains(last.Message, "the next apply removes it") {
		t.Errorf("%+v", last)
	}
}

// TestManifested reads the manifests that the components package makes.
func TestManifested(t *testing.T) {
	golden, err := os.ReadFile(filepath.Join("..", "components", "testdata", "vip", "cp-1.txt"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, path := range []string{apiManifest, controllerManifest} {
		_, after, found := strings.Cut(string(golden), "== file "+path+" 0600\n")
		if !found {
			t.Fatalf("no %s", path)
		}
		text, _, _ := strings.Cut(after, "\n== ")
		files[path] = []byte(text)
	}
	got, err := manifested(files)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(applied{Kubernetes: "1", Pods: "10.244.0.0/16", Services: "10.96.0.0/16", DNS: "cluster.local"}, got); diff != "" {
		t.Error(diff)
	}
	files[apiManifest] = []byte(strings.ReplaceAll(string(files[apiManifest]), "--service-cluster-ip-range", "--another"))
	if _, err := manifested(files); err == nil {
		t.Error("without the range of services")
	}
	delete(files, controllerManifest)
	if _, err := manifested(files); err == nil || err.Error() != controllerManifest+" is not there" {
		t.Errorf("%v", err)
	}
}
