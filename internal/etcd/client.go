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

// Client talks to one member. Safe for concurrent use.
type Client struct {
	api      *clientv3.Client
	endpoint string
}

// Connect prepares a client for one member. It does not wait for an answer.
func Connect(a Access) (*Client, error) {
	pair, err := tls.X509KeyPair(a.Cert, a.Key)
	if err != nil {
		return nil, fmt.Errorf("etcd client certificate: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(a.CA) {
		return nil, errors.New("etcd CA: no certificate in PEM form")
	}
	options := []grpc.DialOption{}
	if a.Dial != nil {
		options = append(options, grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) {
			if u, err := url.Parse(addr); err == nil && u.Host != "" {
				addr = u.Host
			}
			return a.Dial(ctx, "tcp", addr)
		}))
	}
	api, err := clientv3.New(clientv3.Config{
		Endpoints: []string{a.Endpoint}, DialOptions: options, Logger: zap.NewNop(),
		TLS: &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: roots, MinVersion: tls.VersionTLS12},
		// Reconnect soon: members are waited for while they start.
		BackoffWaitBetween: 100 * time.Millisecond,
	})
	if err != nil {
		return nil, fmt.Errorf("etcd client of %s: %w", a.Endpoint, err)
	}
	return &Client{api: api, endpoint: a.Endpoint}, nil
}

// Close ends the connection.
func (c *Client) Close() error { return c.api.Close() }
