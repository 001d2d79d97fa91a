package bootstrap

import (
	"errors"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/slipway/slipway/components"
	"github.com/slipway/slipway/internal/spec"
)

// declared is an API that holds the declaration of a cluster of one control plane, 10.0.0.11, and a Node other.
func declared(t *testing.T) *fake.Clientset {
	t.Helper()
	b := beginning(t)
	text, err := b.text()
	if err != nil {
		t.Fatal(err)
	}
	return fake.NewClientset(
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: components.DeclarationName}, Data: map[string]string{components.DeclarationKey: string(text)}},
		&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "other"}},
	)
}

func joining() Joining {
	return Joining{Node: "w-1", Address: netip.MustParseAddr("10.0.0.21"), Labels: map[string]string{"zone": "a"}}
}

func TestJoiningDeclares(t *testing.T) {
	c, err := joining().declaration(t.Context(), declared(t))
	if err != nil {
		t.Fatal(err)
	}
	n := c.Nodes[len(c.Nodes)-1]
	if len(c.Nodes) != 2 || n.Name != "w-1" || n.Role != spec.Worker || n.Address.String() != "10.0.0.21" || !maps.Equal(n.Labels, map[string]string{"zone": "a"}) {
		t.Errorf("%+v", c.Nodes)
	}
	if c.Kubernetes != "1.35.4" || c.Endpoint.String() != "10.0.0.11:6443" {
		t.Errorf("%s at %s", c.Kubernetes, c.Endpoint)
	}
}

func TestJoiningRefused(t *testing.T) {
	for want, change := range map[string]func(*Joining){
		"a node of this name already":                    func(j *Joining) { j.Node = "cp-1" },
		"its address 10.0.0.11 is that of node cp-1":     func(j *Joining) { j.Address = netip.MustParseAddr("10.0.0.11") },
		"Bad node name":                                  func(j *Joining) { j.Node = "W_1" },
		"Bad label":                                      func(j *Joining) { j.Labels = map[string]string{"a b": "c"} },
		"kubectl label node w-1 kubernetes.io/role=edge": func(j *Joining) { j.Labels = map[string]string{"kubernetes.io/role": "edge"} },
	} {
		j := joining()
		change(&j)
		if _, err := j.declaration(t.Context(), declared(t)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got: %v", want, err)
		}
	}
}

// TestPlaceInTheCluster: a name is one machine's, and a machine that has one keeps it.
func TestPlaceInTheCluster(t *testing.T) {
	r := newRun(t)
	ours := r.certs.ClusterID()
	for _, test := range []struct {
		name, cluster, node string // asked for; what the machine says of itself
		want                string // "" to be let in
	}{
		{name: "w-1"},
		{name: "other", want: "a node of this name already"},
		{name: "other", cluster: ours, node: "other"}, // it, on its second try
		{name: "w-2", cluster: ours, node: "w-1", want: "in the cluster already, as node w-1"},
		{name: "other", cluster: "another", node: "other"}, // preflight refuses that
	} {
		m := &machine{node: declare(test.name, spec.Worker, "10.0.0.21")}
		m.facts.Cluster, m.facts.Node = test.cluster, test.node
		err := r.nameFree(t.Context(), m, declared(t))
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%+v: %v", test, err)
		}
	}
}

func TestClockAgrees(t *testing.T) {
	for skew, want := range map[time.Duration]string{
		0: "", 9 * time.Second: "", -9 * time.Second: "",
		10 * time.Minute: "10m0s behind the cluster's", -10 * time.Minute: "10m0s ahead of the cluster's",
	} {
		err := clockAgrees(skew)
		var unfit *UnfitError
		if want == "" && err != nil || want != "" && (!errors.As(err, &unfit) || !strings.Contains(err.Error(), want) || !strings.Contains(unfit.Remedy(), "chrony")) {
			t.Errorf("%s: %v", skew, err)
		}
	}
}

// TestTicketCommand is what people copy.
func TestTicketCommand(t *testing.T) {
	ticket := Ticket{Endpoint: "10.0.0.100:6443", Token: "abcdef.0123456789abcdef", CAHash: "sha256:1234"}
	want := []string{"slipway", "join", "10.0.0.100:6443", "--token", "abcdef.0123456789abcdef", "--ca-hash", "sha256:1234"}
	if got := strings.Fields(ticket.Command()); !slices.Equal(got[:len(want)], want) {
		t.Error(got)
	}
}
