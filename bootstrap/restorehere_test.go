package bootstrap

import (
	"crypto/tls"
	"io"
	stdlog "log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/slipway/slipway/internal/archive"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/pki"
)

// TestRestoreHere: what a machine that is in no cluster becomes part of stands in the archive, and it is all there is of it.
func TestRestoreHere(t *testing.T) {
	r := newRun(t)
	path, _ := newArchive(t, r, nil)
	_, _, _, err := RestoringHere{Archive: path, Node: "cp-9", Address: netip.MustParseAddr("10.0.0.19")}.cluster(t.TempDir())
	says(t, err, "hold the endpoint (lb-1)")
	r.Cluster.Nodes = r.Cluster.Nodes[:2]
	r.Cluster.Nodes[0].Taints = nil // as a file with workers may leave it
	path, _ = newArchive(t, r, nil)
	was := r.Cluster.ControlPlanes()
	for name, c := range map[string]struct {
		here   RestoringHere
		others int
		labels bool
	}{
		"a new machine":                     {RestoringHere{Node: "cp-9", Address: netip.MustParseAddr("10.0.0.19")}, len(was), false},
		"one of that name, at a new place":  {RestoringHere{Node: was[0].Name, Address: netip.MustParseAddr("10.0.0.19")}, len(was), true},
		"one of that name, where it was":    {RestoringHere{Node: was[0].Name, Address: was[0].Address}, len(was) - 1, true},
		"a new one at the place of another": {RestoringHere{Node: "cp-9", Address: was[0].Address}, len(was) - 1, false},
	} {
		c.here.Archive = path
		got, here, others, err := c.here.cluster(t.TempDir())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		n := got.Nodes[0]
		if len(got.Nodes) != 1 || n.Name != c.here.Node || here != n.Name || n.Address != c.here.Address || n.Role != spec.ControlPlane || len(others) != c.others {
			t.Errorf("%s: %+v, others %+v", name, got.Nodes, others)
		}
		if !slices.Equal(n.Taints, []spec.Taint{controlPlaneTaint}) {
			t.Errorf("%s: pods of dead workers would come to it: %v", name, n.Taints)
		}
		if got.Name != r.Cluster.Name || got.Endpoint != r.Cluster.Endpoint || got.File != ownFile || got.StateDir != ownState {
			t.Errorf("%s: %s, %s, %s, %s", name, got.Name, got.Endpoint, got.File, got.StateDir)
		}
		if exists(ownFile) {
			t.Fatalf("%s: something was kept", name)
		}
	}
}

// TestRestoreHereWithoutBalancer: the endpoint is the machine's own address, whichever that is.
func TestRestoreHereWithoutBalancer(t *testing.T) {
	r := newRun(t)
	path, _ := newArchive(t, r, func(c *archive.Contents) {
		c.Spec = []byte("cluster \"prod\" {\n  kubernetes = \"1.36.3\"\n  endpoint = \"10.0.0.11:6443\"\n}\nnode \"cp-1\" {\n  role = \"control-plane\"\n  address = \"10.0.0.11\"\n}\n")
	})
	got, _, others, err := RestoringHere{Archive: path, Node: "cp-2", Address: netip.MustParseAddr("10.0.0.12")}.cluster(t.TempDir())
	if err != nil || got.Endpoint.String() != "10.0.0.12:6443" || len(others) != 1 {
		t.Errorf("%+v, %+v, %v", got, others, err)
	}
	path, _ = newArchive(t, r, func(c *archive.Contents) {
		c.Spec = []byte("cluster \"prod\" {\n  kubernetes = \"1.36.2\"\n  endpoint = \"api.example.com:6443\"\n}\nnode \"cp-1\" {\n  role = \"control-plane\"\n  address = \"10.0.0.11\"\n}\n")
	})
	named := RestoringHere{Archive: path, Node: "cp-2", Address: netip.MustParseAddr("10.0.0.12")}
	_, _, _, err = named.cluster(t.TempDir())
	says(t, err, "1.36.2") // which is not made any more
	named.Kubernetes = "1.36.3"
	if got, _, _, err = named.cluster(t.TempDir()); err != nil || got.EndpointText() != "api.example.com:6443" || got.Kubernetes != "1.36.3" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestRestoreHereRefused(t *testing.T) {
	r := newRun(t)
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, "inventory.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, _, err := RestoringHere{}.cluster(home)
	says(t, err, "slipway apply made this machine")
	_, _, _, err = RestoringHere{Archive: filepath.Join(home, "inventory.json")}.cluster(t.TempDir())
	says(t, err, "no archive")

	_, _, _, err = RestoringHere{Archive: filepath.Join(home, "none")}.cluster(t.TempDir())
	says(t, err, "none: no such file or directory")
	page := make([]byte, 4096)
	copy(page[16:], []byte{0xED, 0xDA, 0x0C, 0xED}) // as bbolt marks it
	if err := os.WriteFile(filepath.Join(home, "s.db"), page, 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, _, err = RestoringHere{Archive: filepath.Join(home, "s.db")}.cluster(t.TempDir())
	says(t, err, "is a bare snapshot of etcd")

	read, err := reread(r.Cluster)
	if err != nil {
		t.Fatal(err)
	}
	c := *read
	for want, h := range map[string]RestoringHere{
		"this machine is cp-1 in its cluster":                   {Node: "cp-7"},
		"this machine has the address 10.0.0.11 in its cluster": {Address: netip.MustParseAddr("10.0.0.99")},
	} {
		_, _, _, err := h.again(&c, "cp-1")
		says(t, err, want)
	}
	path, _ := newArchive(t, r, nil)
	other, _ := newArchive(t, r, func(of *archive.Contents) {
		c := *r.Cluster
		c.PKI.ExtraSANs = []string{"api.example.com"}
		of.Spec = spec.Write(&c)
	})
	for path, want := range map[string]string{path: "", other: "differ in more than nodes and version", filepath.Join(home, "inventory.json"): ""} {
		got, here, others, err := RestoringHere{Archive: path, Kubernetes: "1.35.4"}.again(&c, "cp-1")
		if want != "" {
			says(t, err, want)
		} else if err != nil || here != "cp-1" || len(got.Nodes) != 1 || len(others) != 0 || got.Kubernetes != "1.35.4" {
			t.Errorf("%+v, %v", got, err)
		}
	}
	c.Nodes = append([]spec.Node{{Name: "w-9", Role: spec.Worker, Address: netip.MustParseAddr("10.0.0.29")}}, c.Nodes...)
	_, _, _, err = RestoringHere{}.again(&c, "w-9")
	says(t, err, "is a worker")
}

// TestRestoreHereAgain: what a restore on a machine that was in no cluster has kept of the cluster is what it goes on with.
func TestRestoreHereAgain(t *testing.T) {
	r := newRun(t)
	r.Cluster.Nodes, r.Cluster.LoadBalancer.Interface = r.Cluster.Nodes[:2], "eth-of-another"
	path, _ := newArchive(t, r, nil)
	h := RestoringHere{Archive: path, Node: "cp-9", Address: netip.MustParseAddr("10.0.0.19")}
	kept, here, _, err := h.cluster(t.TempDir())
	if err != nil || kept.LoadBalancer.Interface != "" {
		t.Fatalf("%+v, %v", kept, err)
	}
	if _, _, _, err := h.again(kept, here); err != nil {
		t.Error(err)
	}
	// Of another cluster it is told where that is looked at, and not how to make this machine part of that.
	r.Cluster.Name = "staging"
	h.Archive, _ = newArchive(t, r, nil)
	if _, _, _, err := h.again(kept, here); err != nil {
		t.Error(err)
	}
}

// TestJudgeHere: whoever cannot be asked must not look alive, and has to be said to be dead.
func TestJudgeHere(t *testing.T) {
	r := newRun(t)
	r.Here, r.machines = "cp-1", nil
	m := &machine{node: spec.Node{Name: "cp-2", Role: spec.ControlPlane, Address: netip.MustParseAddr("127.0.0.94")}}
	says(t, r.judgeHere(t.Context(), m, false), "cannot be told from here")
	if err := r.judgeHere(t.Context(), m, true); err != nil {
		t.Error(err)
	}
	alive, err := net.Listen("tcp", "127.0.0.94:6443")
	if err != nil {
		t.Fatal(err)
	}
	defer alive.Close()
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = stdlog.New(io.Discard, "", 0) // whoever only looks hangs up
	server.Listener.Close()
	server.Listener = alive
	leaf := r.certs.Node("cp-1")[pki.APIServer]
	own, err := tls.X509KeyPair(leaf.Cert, leaf.Key)
	if err != nil {
		t.Fatal(err)
	}
	var shows atomic.Pointer[tls.Config] // nil for that of httptest, which another authority has signed
	server.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return shows.Load(), nil }}
	server.StartTLS()
	defer server.Close()
	if err := r.judgeHere(t.Context(), m, true); err != nil {
		t.Errorf("by now it is somebody else's: %v", err)
	}
	says(t, r.judgeHere(t.Context(), m, false), "it takes connections at 127.0.0.94, port 6443")
	shows.Store(&tls.Config{Certificates: []tls.Certificate{own}})
	says(t, r.judgeHere(t.Context(), m, true), "it takes connections at 127.0.0.94, port 6443")
	j := &restoration{File: "/a.slipway", Kubernetes: "1.35.4", Former: []was{{Name: "cp-2"}, {Name: "cp-3"}}}
	if got := r.restoreRemedy(j); got != "slipway restore /a.slipway --kubernetes 1.35.4 --gone cp-2,cp-3 finishes it" {
		t.Error(got)
	}
}
