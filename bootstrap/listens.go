package bootstrap

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/slipway/slipway/pki"
)

// listens is the port of etcd or the API server that takes connections at the address, from here or from any of the machines; 0
// where none does.
func (r *Run) listens(ctx context.Context, address netip.Addr) int {
	dials := []func(context.Context, string, string) (net.Conn, error){(&net.Dialer{}).DialContext}
	for _, m := range r.machines {
		dials = append(dials, m.host.Dial)
	}
	found := make(chan int, len(dials)*3)
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	waiting := 0
	for _, dial := range dials {
		for _, port := range []int{6443, 2380, 2379} {
			waiting++
			go func() {
				conn, err := dial(ctx, "tcp", net.JoinHostPort(address.String(), strconv.Itoa(port)))
				if err != nil {
					found <- 0
					return
				}
				_ = conn.Close() // that it was taken is all there was to know
				found <- port
			}()
		}
	}
	for range waiting {
		select {
		case port := <-found:
			if port != 0 {
				return port
			}
		case <-ctx.Done(): // a dial through another machine may take longer than that
			return 0
		}
	}
	return 0
}

// lives is the port of etcd or the API server at which m, which cannot be asked, seems to live still; 0 for none. What people say is dead does
// not live where another cluster's has its address by now.
func (r *Run) lives(ctx context.Context, m *machine, saidDead bool) int {
	port := r.listens(ctx, m.node.Address)
	if port != 0 && saidDead && r.foreign(ctx, m.node.Address, port) {
		return 0
	}
	return port
}

// foreign reports whether what listens there shows a certificate, and none by an authority of this cluster: the machine, or its address,
// is somebody else's by now.
func (r *Run) foreign(ctx context.Context, address netip.Addr, port int) bool {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	foreign := false
	dialer := &tls.Dialer{Config: &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true, VerifyConnection: func(s tls.ConnectionState) error { //nolint:gosec // nothing is sent: whose it is is all that is asked
		shown := s.PeerCertificates[0]
		_, err := shown.Verify(x509.VerifyOptions{Roots: r.roots(pki.Kubernetes, pki.Etcd), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}, CurrentTime: shown.NotAfter.Add(-time.Second)})
		foreign = err != nil
		return nil
	}}}
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(address.String(), strconv.Itoa(port)))
	if err == nil {
		_ = conn.Close() // it was only looked at
	}
	return foreign
}
