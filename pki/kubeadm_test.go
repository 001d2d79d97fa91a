package pki

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// shape is all of a certificate that does not differ from one run to the next.
type shape struct {
	CN            string
	O             []string
	KeyUsage      x509.KeyUsage
	ExtKeyUsage   []x509.ExtKeyUsage
	IsCA          bool
	MaxPathLen    int
	Basic         bool
	Hosts         []string
	Algorithm     string
	Signature     x509.SignatureAlgorithm
	Version       int
	LifetimeHours int
}

// shapeOf ignores an authority's names: kubeadm repeats its CN there, which nothing reads.
func shapeOf(cert *x509.Certificate) shape {
	s := shape{
		CN: cert.Subject.CommonName, O: cert.Subject.Organization,
		KeyUsage: cert.KeyUsage, ExtKeyUsage: cert.ExtKeyUsage,
		IsCA: cert.IsCA, MaxPathLen: cert.MaxPathLen, Basic: cert.BasicConstraintsValid,
		Algorithm: algorithm(cert), Signature: cert.SignatureAlgorithm, Version: cert.Version,
		LifetimeHours: int(cert.NotAfter.Sub(cert.NotBefore).Hours()),
	}
	if !cert.IsCA {
		s.Hosts = hostsOf(cert)
	}
	return s
}

// TestSameAsKubeadm compares with certificates that kubeadm made; see testdata/kubeadm/README.md.
func TestSameAsKubeadm(t *testing.T) {
	c := testCluster()
	s := create(t, c)
	ours := map[string]KeyPair{
		"ca": s.CA(Kubernetes), "etcd-ca": s.CA(Etcd), "front-proxy-ca": s.CA(FrontProxy),
		"super-admin": s.Shared(SuperAdmin),
	}
	for name, kp := range s.Node("cp-1") {
		ours[map[string]string{EtcdServer: "etcd-server", EtcdPeer: "etcd-peer", EtcdHealthcheckClient: "etcd-healthcheck-client"}[name]] = kp
		ours[name] = kp
	}
	files, err := filepath.Glob("testdata/kubeadm/*.crt")
	if err != nil || len(files) != 15 {
		t.Fatalf("%d certificates of kubeadm, want 15: %v", len(files), err)
	}
	for _, file := range files {
		name := filepath.Base(file[:len(file)-len(".crt")])
		kp, ok := ours[name]
		if !ok {
			t.Errorf("kubeadm issues %s, the table does not", name)
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		block, _ := pem.Decode(text)
		want, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		got, err := kp.parse()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(shapeOf(want), shapeOf(got)); diff != "" {
			t.Errorf("%s: -kubeadm +slipway %s", name, diff)
		}
		if !got.NotBefore.Equal(testNow.Add(-5 * time.Minute)) {
			t.Errorf("%s is valid from %s, want five minutes before %s", name, got.NotBefore, testNow)
		}
	}
}
