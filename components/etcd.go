package components

import (
	"fmt"
	"net/netip"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/slipway/slipway/internal/layout"
	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/pki"
)

const (
	etcdClientPort  = 2379
	etcdPeerPort    = 2380
	etcdMetricsPort = 2381 // loopback, plain HTTP: health and metrics
)

// Membership is how a member enters etcd's membership: what it is told when it first starts, and never looks at again.
// It is kept as it was, so that a member which joins later is no reason to restart the others.
type Membership struct {
	Initial  string `json:"initial"`            // NAME=URL,…, the member itself among them
	Existing bool   `json:"existing,omitempty"` // it joins members that serve already
	// Token is that of a membership which was made anew, by a restore; "" for the cluster's first. A member that has lost its data
	// then knows itself again among the others, and does not begin an empty cluster with the next that has.
	Token string `json:"token,omitempty"`
}

// Membership is that of n.
func (in *Input) Membership(n spec.Node) Membership {
	if m, ok := in.Members[n.Name]; ok {
		return m
	}
	var members []string
	for _, cp := range in.Cluster.ControlPlanes() {
		members = append(members, cp.Name+"="+PeerURL(cp))
	}
	return Membership{Initial: strings.Join(members, ",")}
}

// PeerURL is where the member of n answers the others.
func PeerURL(n spec.Node) string { return httpsURL(n.Address, etcdPeerPort) }

// etcd is the member of this control plane. All members are named from the start, so that they can be
// started at the same time and find their quorum without waiting for one another's data.
func (in *Input) etcd(n spec.Node) ([]node.Resource, error) {
	if n.Role != spec.ControlPlane {
		return nil, nil
	}
	pod := staticPod{
		name: "etcd", node: n.Name, image: in.Payload.Images["etcd"], command: in.flagged(in.etcdCommand(n)), cpu: "100m",
		mounts: []mount{{path: layout.EtcdPKI}, {path: layout.Etcd, write: true}},
		inputs: in.certFiles(n, pki.EtcdServer, pki.EtcdPeer),
		// Of the member alone: a member that lost its quorum must not be killed for it.
		liveness:  httpGet(corev1.URISchemeHTTP, "127.0.0.1", etcdMetricsPort, "/livez"),
		readiness: httpGet(corev1.URISchemeHTTP, "127.0.0.1", etcdMetricsPort, "/readyz"),
	}
	manifest, err := pod.resource()
	if err != nil {
		return nil, err
	}
	out := []node.Resource{dir(layout.Etcd, 0o700)}
	for _, name := range []string{"etcdctl", "etcdutl"} {
		b, err := in.binary(name, layout.Programs+"/"+name)
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return append(out, manifest), nil
}

func (in *Input) etcdCommand(n spec.Node) []string {
	membership, state, token := in.Membership(n), "new", in.Certs.ClusterID()
	if membership.Existing {
		state = "existing"
	}
	if membership.Token != "" {
		token = membership.Token
	}
	certs := layout.EtcdPKI + "/"
	return []string{
		"etcd",
		"--name=" + n.Name,
		"--data-dir=" + layout.Etcd,
		"--listen-client-urls=https://127.0.0.1:2379," + httpsURL(n.Address, etcdClientPort),
		"--advertise-client-urls=" + httpsURL(n.Address, etcdClientPort),
		"--listen-peer-urls=" + PeerURL(n),
		"--initial-advertise-peer-urls=" + PeerURL(n),
		"--initial-cluster=" + membership.Initial,
		"--initial-cluster-state=" + state,
		"--initial-cluster-token=" + token,
		"--client-cert-auth=true",
		"--trusted-ca-file=" + certs + "ca.crt",
		"--cert-file=" + certs + "server.crt",
		"--key-file=" + certs + "server.key",
		"--peer-client-cert-auth=true",
		"--peer-trusted-ca-file=" + certs + "ca.crt",
		"--peer-cert-file=" + certs + "peer.crt",
		"--peer-key-file=" + certs + "peer.key",
		fmt.Sprintf("--listen-metrics-urls=http://127.0.0.1:%d", etcdMetricsPort),
		"--feature-gates=InitialCorruptCheck=true,CompactHashCheck=true",
		fmt.Sprintf("--quota-backend-bytes=%d", in.Cluster.Etcd.QuotaBytes),
		// API servers compact every five minutes what is older than that. This is for when they do not: it lets them come first.
		"--auto-compaction-mode=periodic",
		"--auto-compaction-retention=1h",
		"--snapshot-count=10000",
		"--watch-progress-notify-interval=5s",
		"--tls-min-version=TLS1.2",
	}
}

func httpsURL(a netip.Addr, port uint16) string {
	return "https://" + netip.AddrPortFrom(a, port).String()
}
