package bootstrap

import (
	"net/netip"

	"github.com/slipway/slipway/internal/etcd"
	"github.com/slipway/slipway/pki"
)

// memberOf is a client of m's etcd member, through its machine where there is a way.
func (r *Run) memberOf(m *machine) (*etcd.Client, error) {
	if r.elsewhere(m) {
		return r.memberAt(r.Here, clientURL(m.node.Address))
	}
	return r.member(m)
}

// member is a client of m's own etcd member, through the connection to m.
func (r *Run) member(m *machine) (*etcd.Client, error) { return etcd.Connect(r.memberAccess(m)) }

// memberAt is a client of the etcd member at url, with self's certificate.
func (r *Run) memberAt(self, url string) (*etcd.Client, error) {
	return etcd.Connect(r.etcdAccess(url, self))
}

// memberAccess is the way to m's own etcd member, through the connection to m.
func (r *Run) memberAccess(m *machine) etcd.Access {
	a := r.etcdAccess(clientURL(m.node.Address), m.node.Name)
	if a.Cert == nil { // it left the file, and its certificates with it: another's do as well
		a = r.etcdAccess(a.Endpoint, r.Cluster.ControlPlanes()[0].Name)
	}
	a.Dial = m.host.Dial
	return a
}

// etcdAccess is the way to the etcd member at url with the named control plane's certificate. Members ask who signed a client's
// certificate, and not whose it is; which one is here depends on where this runs.
func (r *Run) etcdAccess(url, name string) etcd.Access {
	pair := r.certs.Node(name)[pki.EtcdHealthcheckClient]
	return etcd.Access{Endpoint: url, CA: r.certs.CA(pki.Etcd).Cert, Cert: pair.Cert, Key: pair.Key}
}

func clientURL(a netip.Addr) string { return "https://" + netip.AddrPortFrom(a, 2379).String() }
