// Package kube speaks to a cluster's API server on the operator's behalf: server-side apply of the
// cluster's own objects, readiness, and the care of nodes.
package kube

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// FieldManager owns the fields that Slipway applies. People's own fields are left alone.
const FieldManager = "slipway"

// How long one request about health may take. A machine that is off does not take connections; one that is slow
// or busy does, and answers late, which is no reason to call it dead.
const (
	connectWithin = 3 * time.Second
	answerWithin  = 10 * time.Second
)

// Access is how to reach one API server, and as whom.
type Access struct {
	Server string                                                               // https://10.0.0.11:6443
	CA     []byte                                                               // PEM
	Cert   []byte                                                               // PEM
	Key    []byte                                                               // PEM
	Dial   func(ctx context.Context, network, address string) (net.Conn, error) // nil: from this machine
}

// Client talks to one API server. Safe for concurrent use.
type Client struct {
	Typed   kubernetes.Interface
	dynamic dynamic.Interface
	server  string
}

// Connect prepares a client; it does not connect yet.
func Connect(a Access) (*Client, error) {
	if a.Dial == nil {
		a.Dial = (&net.Dialer{Timeout: connectWithin}).DialContext
	}
	config := &rest.Config{
		Host:            a.Server,
		TLSClientConfig: rest.TLSClientConfig{CAData: a.CA, CertData: a.Cert, KeyData: a.Key},
		Dial:            a.Dial,
		Timeout:         30 * time.Second,
		QPS:             200, Burst: 400, // our own few hundred calls must not wait for each other
		UserAgent: FieldManager,
	}
	typed, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("client of %s: %w", a.Server, err)
	}
	dyn, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("client of %s: %w", a.Server, err)
	}
	return &Client{Typed: typed, dynamic: dyn, server: a.Server}, nil
}

// Ready is nil when the API server says of itself that it can serve.
func (c *Client) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	said, err := c.Typed.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
	if err == nil {
		return nil
	}
	if failing := failingChecks(string(said)); len(failing) > 0 {
		return fmt.Errorf("API server %s is not ready: not yet %s", c.server, few(failing))
	}
	return fmt.Errorf("API server %s is not ready: %w", c.server, err)
}

// failingChecks are the names in the answer of /readyz that are marked as failing, out of some forty.
func failingChecks(said string) (names []string) {
	for line := range strings.Lines(said) {
		if rest, failing := strings.CutPrefix(line, "[-]"); failing {
			name, _, _ := strings.Cut(rest, " failed:")
			names = append(names, strings.TrimPrefix(strings.TrimSpace(name), "poststarthook/"))
		}
	}
	return names
}
