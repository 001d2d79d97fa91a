package proof

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"

	"github.com/slipway/slipway/internal/etcd"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/pki"
)

// egress lets the API server reach nothing: whatever it would dial for an object in the archive, such as webhooks and aggregated
// APIs, goes through a proxy that nobody is. It does not concern etcd.
// https://kubernetes.io/docs/tasks/extend-kubernetes/setup-konnectivity/
const egress = `apiVersion: apiserver.k8s.io/v1beta1
kind: EgressSelectorConfiguration
egressSelections:
- name: cluster
  connection: {proxyProtocol: HTTPConnect, transport: {uds: {udsName: %[1]q}}}
- name: controlplane
  connection: {proxyProtocol: HTTPConnect, transport: {uds: {udsName: %[1]q}}}
`

// api is the scratch API server, seen by its only client.
type api struct {
	config *rest.Config
	disco  *discovery.DiscoveryClient
}

// readBack runs the archive's API server over the restored etcd and reads every object through it.
func (r *run) readBack(ctx context.Context, stored etcd.Stored) error {
	began := time.Now()
	port, token, err := r.furnish()
	if err != nil {
		return err
	}
	server, err := r.start(ctx, "kube-apiserver", "kube", append([]string{"kube-apiserver"}, r.apiserverFlags(port)...)...)
	if err != nil {
		return err
	}
	defer server.stop()
	a := &api{config: &rest.Config{
		Host: "https://127.0.0.1:" + strconv.Itoa(port), BearerToken: token, QPS: -1, Timeout: 5 * time.Minute,
		TLSClientConfig: rest.TLSClientConfig{CAFile: r.dir.Path("apiserver.crt")},
		Dial:            (&net.Dialer{Timeout: time.Second}).DialContext,
	}}
	if err := r.await(ctx, server, "the API server is ready", func(ctx context.Context) error { return r.ready(ctx, a) }); err != nil {
		return err
	}
	r.did("run kube-apiserver "+r.report.Manifest.Versions.Kubernetes, "it is ready over the restored data", began)
	began = time.Now()
	if err := r.census(ctx, a, stored); err != nil {
		if ended := server.alive(); ended != nil {
			return ended
		}
		return err
	}
	r.report.Restored = true
	r.did("read every object", fmt.Sprintf("%d objects of %d resources", r.report.Objects, len(r.report.Resources)), began)
	return nil
}

// furnish writes the files that the API server is started with.
func (r *run) furnish() (port int, token string, err error) {
	random := make([]byte, 32)
	if _, err := rand.Read(random); err != nil {
		return 0, "", err
	}
	token = hex.EncodeToString(random)
	public, private := r.keys[pki.ServiceAccountPath+".pub"], r.keys[pki.ServiceAccountPath+".key"]
	if r.keys == nil {
		if public, private, err = anyPair(); err != nil {
			return 0, "", err
		}
	}
	files := map[string][]byte{
		"token": []byte(token + ",proof,proof,system:masters\n"), "sa.pub": public, "sa.key": private,
		"egress.yaml": fmt.Appendf(nil, egress, r.dir.Path("nobody.sock")),
	}
	if r.keys != nil {
		files["encryption.yaml"] = r.keys[pki.EncryptionPath]
	}
	for name, content := range files {
		if err := os.WriteFile(r.dir.Path(name), content, 0o600); err != nil {
			return 0, "", err
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, "", err
	}
	return l.Addr().(*net.TCPAddr).Port, token, l.Close()
}

// anyPair is a pair to sign tokens with that nobody will ask for.
func anyPair() (public, private []byte, err error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, nil, err
	}
	text, err := x509.MarshalPKIXPublicKey(key.Public())
	public = pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: text})
	private = pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	return public, private, err
}

func (r *run) apiserverFlags(port int) []string {
	flags := []string{
		"--etcd-servers=unix://" + r.dir.Path(clientSocket),
		"--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--secure-port=" + strconv.Itoa(port), "--cert-dir=" + r.dir.Path(""),
		"--token-auth-file=" + r.dir.Path("token"), "--anonymous-auth=false", "--authorization-mode=AlwaysAllow",
		"--service-account-issuer=https://kubernetes.default.svc." + r.cluster.Network.DNS,
		"--service-account-key-file=" + r.dir.Path("sa.pub"), "--service-account-signing-key-file=" + r.dir.Path("sa.key"),
		"--service-cluster-ip-range=" + r.cluster.Network.Services.String(), "--service-node-port-range=" + r.cluster.Network.NodePorts,
		"--egress-selector-config-file=" + r.dir.Path("egress.yaml"), "--endpoint-reconciler-type=none",
		"--disable-admission-plugins=MutatingAdmissionWebhook,ValidatingAdmissionWebhook",
		// What is read is what the archive holds, at its revision: nothing may be compacted, and nothing cached.
		"--watch-cache=false", "--etcd-compaction-interval=0", "--etcd-count-metric-poll-period=0",
		"--enable-priority-and-fairness=false", "--profiling=false",
	}
	if r.keys != nil {
		flags = append(flags, "--encryption-provider-config="+r.dir.Path("encryption.yaml"))
	}
	// Of the cluster's own flags, those that say what can be stored.
	for _, name := range []string{"feature-gates", "runtime-config"} {
		if v := r.cluster.Flags["kube-apiserver"][name]; v != "" {
			flags = append(flags, "--"+name+"="+v)
		}
	}
	return flags
}

// ready is nil when the API server says so. Without the keys it never comes to read Secrets, which some of it waits for.
func (r *run) ready(ctx context.Context, a *api) (err error) {
	if a.disco == nil {
		if _, err := os.Stat(a.config.CAFile); err != nil {
			return err // it makes its certificate first
		}
		if a.disco, err = discovery.NewDiscoveryClientForConfig(a.config); err != nil {
			return err
		}
	}
	request := a.disco.RESTClient().Get().AbsPath("/readyz")
	if r.keys == nil {
		request = request.Param("exclude", "informer-sync")
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if said, err := request.DoRaw(ctx); err != nil {
		return fmt.Errorf("%w: %s", err, said)
	}
	return nil
}

// progress tells how far the reading has come.
func (r *run) progress(done, total int) {
	r.Sink.Emit(event.Event{Kind: event.Progress, Subject: "read every object", Done: int64(done), Total: int64(total)})
}
