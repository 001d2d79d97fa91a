// Package etcd looks at and cares for the members of a cluster's etcd.
package etcd

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
)

// Access is how to reach one member.
type Access struct {
	Endpoint      string // https://10.0.0.11:2379
	CA, Cert, Key []byte // PEM
	Dial          func(ctx context.Context, network, address string) (net.Conn, error)
}

// tls is how connections to the member are secured.
func (a Access) tls() (*tls.Config, error) {
	pair, err := tls.X509KeyPair(a.Cert, a.Key)
	if err != nil {
		return nil, fmt.Errorf("etcd client certificate: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(a.CA) {
		return nil, errors.New("etcd CA: no certificate in PEM form")
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: roots, MinVersion: tls.VersionTLS12}, nil
}

// dialer is a.Dial, or an ordinary one.
func (a Access) dialer() func(ctx context.Context, network, address string) (net.Conn, error) {
	if a.Dial != nil {
		return a.Dial
	}
	return (&net.Dialer{Timeout: connectWithin}).DialContext
}

// How long one request may take. A member that is down takes no connections; one on a slow or busy machine does, and
// answers late.
const (
	connectWithin = 3 * time.Second
	answerWithin  = 10 * time.Second
)

// Client talks to one member. Safe for concurrent use.
type Client struct {
	api      *clientv3.Client
	endpoint string
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
}

// Connect prepares a client for one member. It does not wait for an answer.
func Connect(a Access) (*Client, error) {
	config, err := a.tls()
	if err != nil {
		return nil, err
	}
	a.Dial = a.dialer()
	dialer := grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) {
		return a.Dial(ctx, "tcp", host(addr))
	})
	api, err := clientv3.New(clientv3.Config{
		Endpoints: []string{a.Endpoint}, DialOptions: []grpc.DialOption{dialer}, Logger: zap.NewNop(),
		TLS: config,
		// Reconnect soon: members are waited for while they start.
		BackoffWaitBetween: 100 * time.Millisecond,
	})
	if err != nil {
		return nil, fmt.Errorf("etcd client of %s: %w", a.Endpoint, err)
	}
	return &Client{api: api, endpoint: a.Endpoint, dial: a.Dial}, nil
}

// host is the host and port of a URL, or what it is given where that is none.
func host(endpoint string) string {
	if u, err := url.Parse(endpoint); err == nil && u.Host != "" {
		return u.Host
	}
	return endpoint
}

// listening is nil when the member takes connections. The client below would go on trying until its time is up.
func (c *Client) listening(ctx context.Context) error {
	conn, err := c.dial(ctx, "tcp", host(c.endpoint))
	if err != nil {
		return fmt.Errorf("etcd %s: %w", c.endpoint, err)
	}
	return conn.Close()
}

// Close ends the connection.
func (c *Client) Close() error { return c.api.Close() }
