package etcd

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// memberListLimit is far more than a list of members takes.
const memberListLimit = 1 << 20

// AskPeer lists the membership as the member at a.Endpoint, the URL of its peer port, knows it. It answers there as soon as it runs,
// also one that has started without quorum, which takes no clients before it has found it.
// https://github.com/etcd-io/etcd/blob/v3.6.16/server/etcdserver/api/etcdhttp/peer.go
func AskPeer(ctx context.Context, a Access) ([]Member, error) {
	config, err := a.tls()
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{
		DialContext: a.dialer(), DisableKeepAlives: true, TLSClientConfig: config,
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
