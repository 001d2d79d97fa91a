package host

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"slices"
	"time"
)

// Options say how to reach one machine. Zero durations and ports mean the defaults.
type Options struct {
	Name         string // declared node name, for messages; "" for the address alone
	Address      string // IPv4, IPv6 (without brackets) or DNS name
	Port         int    // 22 by default
	User         string // whose login shell must be a POSIX one; any but root becomes root by sudo
	PrivateKey   string // path; "" for the agent only
	KnownHosts   string // path, for the machine and its bastions alike
	SudoPassword []byte // nil where sudo asks for none; a line end after it is ignored
	Bastions     []Hop  // on the way, first to last
	AgentSocket  string // of an SSH agent; "" for $SSH_AUTH_SOCK

	Timeout   time.Duration // for one hop to connect and log in, 10 s by default
	KeepAlive time.Duration // of silence before the machine is asked for a sign of life, 5 s by default; it is given up after some three of them
}

// Hop is one machine on the way to another.
type Hop struct {
	Address    string
	Port       int
	User       string
	PrivateKey string
}

// maxSessions leaves two of sshd's default MaxSessions (10) for ending commands.
const maxSessions = 8

// SSH is a machine behind SSH: one connection, shared by all commands. It does not reconnect:
// once the connection is lost, every call returns the same *UnreachableError.
type SSH struct {
	name     string
	user     string
	links    []*link // one per hop; the machine's own is last
	sudo     *sudo   // nil: logs in as root
	sessions chan struct{}
	endings  chan struct{}
}

// Connect logs in to the machine that o describes, through its bastions. Errors are
// *UnreachableError, *HostKeyError, *AuthError, or about files that o names.
// ctx bounds connecting only.
func Connect(ctx context.Context, o Options) (*SSH, error) {
	o.setDefaults()
	s := &SSH{
		name:     name(o.Name, o.Address, o.Port),
		user:     o.User,
		sessions: make(chan struct{}, maxSessions),
		endings:  make(chan struct{}, 2),
	}
	if o.User != "root" {
		s.sudo = &sudo{host: s.name, user: o.User}
		if pw := bytes.TrimRight(o.SudoPassword, "\r\n"); len(pw) > 0 {
			s.sudo.password = bytes.Clone(pw)
		}
	}
	known, err := readKnownHosts(o.KnownHosts)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	keys := newKeyring(o.AgentSocket)
	defer keys.close()
	d := &dialer{known: known, keys: keys, timeout: o.Timeout, keepAlive: o.KeepAlive}
	for i, hop := range append(o.Bastions, Hop{o.Address, o.Port, o.User, o.PrivateKey}) {
		hopName := s.name
		if i < len(o.Bastions) {
			hopName = fmt.Sprintf("%s: bastion %s", s.name, name("", hop.Address, hop.Port))
		}
		l, err := d.dial(ctx, hopName, s.last(), hop)
		if err != nil {
			s.Close()
			return nil, err
		}
		s.links = append(s.links, l)
	}
	return s, nil
}

func (o *Options) setDefaults() {
	if o.Port == 0 {
		o.Port = 22
	}
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	if o.KeepAlive == 0 {
		o.KeepAlive = 5 * time.Second
	}
	o.Bastions = slices.Clone(o.Bastions) // the caller's are not ours to change
	for i := range o.Bastions {
		if o.Bastions[i].Port == 0 {
			o.Bastions[i].Port = 22
		}
	}
}

// last is the link to the machine itself, or nil before there is any.
func (s *SSH) last() *link {
	if len(s.links) == 0 {
		return nil
	}
	return s.links[len(s.links)-1]
}

// Dial implements Host: sshd on the machine connects to addr and passes the data on.
// It needs AllowTcpForwarding there.
func (s *SSH) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := s.last().tunnel(ctx, network, addr)
	if err != nil {
		if lost := s.lost(); lost != nil {
			return nil, lost
		}
		return nil, fmt.Errorf("%s: dial %s: %w", s, addr, err)
	}
	return conn, nil
}

// lost tells why the connection ended, or nil while it is up. The first hop that broke is the
// cause of what later ones saw.
func (s *SSH) lost() error {
	for _, l := range s.links {
		if err := l.lost(); err != nil {
			return err
		}
	}
	return nil
}

// String names the machine for messages: "cp-1 (10.0.0.11:22)".
func (s *SSH) String() string { return s.name }

// Close ends the connection; calls in flight return an *UnreachableError, and commands still
// running on the machine lose their streams but are not signalled: cancel them first.
// It may be called twice.
func (s *SSH) Close() error {
	for i := len(s.links) - 1; i >= 0; i-- {
		s.links[i].close(errClosed)
	}
	return nil
}
