package bootstrap

import "crypto/x509"

// roots are the certificates of these of the cluster's authorities, to check others by.
func (r *Run) roots(authorities ...string) *x509.CertPool {
	pool := x509.NewCertPool()
	for _, a := range authorities {
		pool.AppendCertsFromPEM(r.certs.CA(a).Cert)
	}
	return pool
}
