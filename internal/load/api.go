package load

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
)

// Namespace holds all that a drill puts into a cluster.
const Namespace = "slipway-drill"

// Access is how to reach the API, and as whom.
type Access struct {
	Server        string // https://10.0.0.100:6443
	CA, Cert, Key []byte // PEM
	Dial          func(ctx context.Context, network, address string) (net.Conn, error)
}

// fresh is a client that makes a new connection for each request, and tries each once.
type fresh struct{ api *rest.RESTClient }

func newFresh(a Access) (*fresh, error) {
	pair, err := tls.X509KeyPair(a.Cert, a.Key)
	if err != nil {
		return nil, fmt.Errorf("client certificate: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(a.CA) {
		return nil, errors.New("the cluster's authority is no certificate in PEM form")
	}
	transport := &http.Transport{
		DialContext: a.Dial, DisableKeepAlives: true,
		TLSClientConfig: &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: roots, MinVersion: tls.VersionTLS12},
	}
	config := &rest.Config{
		Host: a.Server, APIPath: "/api", QPS: -1, UserAgent: "slipway-drill", WarningHandler: rest.NoWarnings{},
		ContentConfig: rest.ContentConfig{GroupVersion: &corev1.SchemeGroupVersion, NegotiatedSerializer: scheme.Codecs.WithoutConversion()},
	}
	api, err := rest.RESTClientForConfigAndClient(config, &http.Client{Transport: transport})
	if err != nil {
		return nil, fmt.Errorf("client of %s: %w", a.Server, err)
	}
	return &fresh{api}, nil
}

func (f *fresh) get(ctx context.Context, name string) (*corev1.ConfigMap, error) {
	out := &corev1.ConfigMap{}
	return out, f.api.Get().Namespace(Namespace).Resource("configmaps").Name(name).MaxRetries(0).Do(ctx).Into(out)
}

// put creates o, or changes what has its resource version.
func (f *fresh) put(ctx context.Context, o *corev1.ConfigMap) (*corev1.ConfigMap, error) {
	request := f.api.Post()
	if o.ResourceVersion != "" {
		request = f.api.Put().Name(o.Name)
	}
	out := &corev1.ConfigMap{}
	return out, request.Namespace(Namespace).Resource("configmaps").Body(o).MaxRetries(0).Do(ctx).Into(out)
}

// kept is a client as programs in and around clusters have it: its connection stays.
func kept(a Access) (kubernetes.Interface, error) {
	config := &rest.Config{
		Host: a.Server, TLSClientConfig: rest.TLSClientConfig{CAData: a.CA, CertData: a.Cert, KeyData: a.Key},
		Dial: a.Dial, QPS: 50, Burst: 100, UserAgent: "slipway-drill", WarningHandler: rest.NoWarnings{},
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("client of %s: %w", a.Server, err)
	}
	return client, nil
}

// Dialer connects from this machine.
func Dialer() func(ctx context.Context, network, address string) (net.Conn, error) {
	return (&net.Dialer{Timeout: attemptWithin, KeepAlive: 15 * time.Second}).DialContext
}
