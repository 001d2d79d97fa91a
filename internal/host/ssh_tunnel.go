package host

import (
	"io"
	"net"
)

// tunnel is a connection made by a machine, seen from here. It gives an SSH channel what the
// channel lacks: deadlines, and a Close that unblocks Read even if the peer is dead.
// It does not close one direction alone.
type tunnel struct {
	net.Conn // our end of a pipe; two goroutines move bytes between its other end and the channel
	remote   net.Addr
}

func newTunnel(ch net.Conn, network, addr string) *tunnel {
	near, far := net.Pipe()
	go func() {
		_, _ = io.Copy(far, ch) // either side's end is seen by the caller as EOF
		_ = far.Close()
	}()
	go func() {
		_, _ = io.Copy(ch, far)
		_ = ch.Close()
		_ = far.Close()
	}()
	return &tunnel{Conn: near, remote: dialled{network, addr}}
}

// RemoteAddr is the address that was dialled.
func (t *tunnel) RemoteAddr() net.Addr { return t.remote }

// dialled is an address as given to Dial.
type dialled struct{ network, addr string }

func (d dialled) Network() string { return d.network }
func (d dialled) String() string  { return d.addr }
