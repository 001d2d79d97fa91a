package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
)

// dialer makes links. It is used by one goroutine.
type dialer struct {
	known     *knownHosts
	keys      *keyring
	timeout   time.Duration
	keepAlive time.Duration
	path      []Hop // logged in to so far
}

// reconnects is how often a server may hang up before it has shown its key: sshd does so at random
// while more than MaxStartups log in at once, as many do through one bastion.
const reconnects = 4

// dial logs in to hop, by way of via unless that is nil. The hop's host key is verified before
// authentication.
func (d *dialer) dial(ctx context.Context, name string, via *link, hop Hop) (*link, error) {
	offer, err := d.keys.load(hop.PrivateKey)
	if err != nil {
		return nil, &AuthError{Host: name, User: hop.User, Err: err}
	}
	limit, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	addr := net.JoinHostPort(hop.Address, strconv.Itoa(hop.Port))
	for try := 0; ; try++ {
		conn, err := d.transport(limit, via, addr)
		if err != nil {
			if via != nil && via.lost() != nil {
				return nil, via.lost()
			}
			return nil, d.unreachable(ctx, limit, name, PhaseConnect, err)
		}
		client, err := d.login(ctx, limit, name, conn, addr, hop.User, offer)
		if err == nil {
			l := &link{name: name, client: client, pulse: conn, over: make(chan struct{})}
			l.watch(d.keepAlive, len(d.path))
			d.path = append(d.path, hop)
			return l, nil
		}
		_ = conn.Close()
		var early *UnreachableError
		if try == reconnects || !errors.As(err, &early) || early.Phase != PhaseHandshake {
			return nil, err
		}
		select {
		case <-limit.Done():
			return nil, err
		case <-time.After(backoff(try)):
		}
	}
}

// backoff spreads those that were turned away together.
func backoff(try int) time.Duration {
	step := 200 * time.Millisecond << try
	return step/2 + rand.N(step)
}

func (d *dialer) transport(ctx context.Context, via *link, addr string) (*pulse, error) {
	var conn net.Conn
	var err error
	if via != nil {
		conn, err = via.tunnel(ctx, "tcp", addr)
	} else {
		nd := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{
			Enable: true, Idle: d.keepAlive, Interval: d.keepAlive, Count: strikes,
		}}
		conn, err = nd.DialContext(ctx, "tcp", addr)
	}
	if err != nil {
		return nil, err
	}
	return &pulse{Conn: conn}, nil
}

// login does the SSH handshake and authentication on conn.
func (d *dialer) login(ctx, limit context.Context, name string, conn net.Conn, addr, user string, offer *offer) (*ssh.Client, error) {
	stop := context.AfterFunc(limit, func() { _ = conn.Close() })
	defer stop()
	var verified atomic.Bool
	var refused atomic.Pointer[HostKeyError]
	path := d.path // the callback also runs when keys are renewed, while d goes on
	config := &ssh.ClientConfig{
		User:              user,
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(offer.signers...)},
		HostKeyAlgorithms: d.known.algorithms(addr),
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			if err := d.known.check(name, addr, key); err != nil {
				err.Via = path
				refused.Store(err)
				return err
			}
			verified.Store(true)
			return nil
		},
	}
	// Hundreds of megabytes go through: the cipher that hardware helps with comes first.
	config.Ciphers = []string{
		ssh.CipherAES128GCM, ssh.CipherAES256GCM, ssh.CipherChaCha20Poly1305,
		ssh.CipherAES128CTR, ssh.CipherAES256CTR,
	}
	c, chans, reqs, err := ssh.NewClientConn(conn, addr, config)
	if err == nil && !stop() {
		_ = c.Close()
		err = limit.Err()
	}
	switch {
	case err == nil:
		return ssh.NewClient(c, chans, reqs), nil
	case refused.Load() != nil:
		return nil, refused.Load()
	case !verified.Load():
		return nil, d.unreachable(ctx, limit, name, PhaseHandshake, err)
	case limit.Err() != nil || broken(err):
		return nil, d.unreachable(ctx, limit, name, PhaseAuth, err)
	default:
		return nil, &AuthError{Host: name, User: user, Tried: offer.names, Err: err}
	}
}

// broken tells a transport that failed from a server that said no.
func broken(err error) bool {
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe)
}

// unreachable names what was waited for. The caller's own cancelling is no fault of the machine.
func (d *dialer) unreachable(ctx, limit context.Context, name string, phase Phase, err error) error {
	var network net.Error // a dial may see the deadline before its context does
	late := limit.Err() != nil || errors.As(err, &network) && network.Timeout()
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return fmt.Errorf("%s: %s: %w", name, phase, context.Cause(ctx))
	case ctx.Err() != nil:
		err = fmt.Errorf("no answer in the time that was left: %w", context.Cause(ctx))
	case late:
		err = fmt.Errorf("no answer within %s", d.timeout)
	case errors.Is(err, io.EOF):
		err = errors.New("the machine closed the connection")
	}
	return &UnreachableError{Host: name, Phase: phase, Err: err}
}
