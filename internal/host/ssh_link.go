package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
)

var errClosed = errors.New("connection closed by this side")

// strikes is how many times in a row a machine may leave a request for a sign of life unanswered.
const strikes = 3

// link is an authenticated SSH connection to one hop.
type link struct {
	name   string
	client *ssh.Client
	pulse  *pulse
	over   chan struct{} // closed once the connection has ended

	once  sync.Once
	cause error // valid once over is closed
}

// pulse notes that bytes arrive: a peer that is busy sending may answer requests late.
type pulse struct {
	net.Conn
	beat atomic.Bool
}

func (p *pulse) Read(b []byte) (int, error) {
	n, err := p.Conn.Read(b)
	if n > 0 {
		p.beat.Store(true)
	}
	return n, err
}

// watch starts looking after the link. Links further along the way wait longer, so that a dead
// bastion is not taken for a dead machine behind it.
func (l *link) watch(every time.Duration, depth int) {
	go func() {
		err := l.client.Wait()
		if err == nil || errors.Is(err, io.EOF) {
			err = errors.New("the machine closed the connection")
		}
		l.close(err)
	}()
	go l.keepAlive(every, strikes+depth)
}

func (l *link) keepAlive(every time.Duration, limit int) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	asking := make(chan struct{}, 1)
	for missed := 0; missed < limit; {
		select {
		case <-l.over:
			return
		case <-ticker.C:
		}
		if l.pulse.beat.Swap(false) {
			missed = 0
			continue
		}
		select {
		case asking <- struct{}{}:
			go func() {
				// Any answer is a sign of life, and it is seen by pulse; so is a lost connection by Wait.
				_, _, _ = l.client.SendRequest("keepalive@openssh.com", true, nil)
				<-asking
			}()
		default: // the last one is still on its way
		}
		missed++
	}
	l.close(fmt.Errorf("no sign of life for %s", time.Duration(limit)*every))
}

// close ends the link; the first cause stands. Every session and tunnel on it ends.
func (l *link) close(cause error) {
	l.once.Do(func() {
		l.cause = &UnreachableError{Host: l.name, Phase: PhaseLost, Err: cause}
		close(l.over)
		// The transport itself: a polite goodbye would wait for a peer that may be dead.
		_ = l.pulse.Close()
	})
}

func (l *link) lost() error {
	select {
	case <-l.over:
		return l.cause
	default:
		return nil
	}
}

// confirmLost is lost for someone who saw a session break: it waits for the link's own verdict.
func (l *link) confirmLost() error {
	if _, _, err := l.client.SendRequest("keepalive@openssh.com", true, nil); err != nil {
		<-l.over
	}
	return l.lost()
}

// tunnel connects from the machine to addr.
func (l *link) tunnel(ctx context.Context, network, addr string) (net.Conn, error) {
	ch, err := l.client.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return newTunnel(ch, network, addr), nil
}
