package etcd

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
)

// memberListLimit is far more than a list of members takes.
const memberListLimit = 1 << 20

// AskPeer lists the membership as the member at a.Endpoint, the URL of its peer port, knows it. It answers there as soon as it runs,
// also one that has started without quorum, which takes no clients before it has found it.
// https://github.com/etcd-io/etcd/blob/v3.6.16/server/etcdserver/api/etcdhttp/peer.go
func AskPeer(ctx context.Context, a Access) ([]Member, error) {
	pair, err := tls.X509KeyPair(a.Cert, a.Key)
	if err != nil {
		return nil, fmt.Errorf("etcd client certificate: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(a.CA) {
		return nil, errors.New("etcd CA: no certificate in PEM form")
	}
	if a.Dial == nil {
		a.Dial = (&net.Dialer{Timeout: connectWithin}).DialContext
	}
	transport := &http.Transport{
		DialContext: a.Dial, DisableKeepAlives: true,
		TLSClientConfig: &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: roots, MinVersion: tls.VersionTLS12},
	}
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, a.Endpoint+"/members", nil)
	if err != nil {
		return nil, err
	}
	answer, err := transport.RoundTrip(request)
	if err != nil {
		return nil, fmt.Errorf("etcd %s: %w", a.Endpoint, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("etcd %s: list members: %s", a.Endpoint, answer.Status)
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, memberListLimit))
	if err != nil {
		return nil, fmt.Errorf("etcd %s: list members: %w", a.Endpoint, err)
	}
	var list []struct {
		ID         uint64   `json:"id"`
		Name       string   `json:"name"`
		PeerURLs   []string `json:"peerURLs"`
		ClientURLs []string `json:"clientURLs"`
		IsLearner  bool     `json:"isLearner"`
	}
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("etcd %s: list members: %w", a.Endpoint, err)
	}
	var out []Member
	for _, m := range list {
		is := Member{ID: m.ID, Name: m.Name, Learner: m.IsLearner}
		if len(m.PeerURLs) > 0 {
			is.Peer = m.PeerURLs[0]
		}
		if len(m.ClientURLs) > 0 {
			is.Client = m.ClientURLs[0]
		}
		out = append(out, is)
	}
	return out, nil
}
