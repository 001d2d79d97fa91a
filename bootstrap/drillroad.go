package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/slipway/slipway/internal/host"
)

// road is a drill's own connection to a machine, apart from the one that the course works through, and made anew when it breaks.
// Safe for concurrent use.
type road struct {
	m       *machine // that it leads to; its own connection is not used
	connect func(context.Context, *machine) error

	making sync.Mutex // held by who connects
	tried  time.Time  // when one was made last

	mu  sync.Mutex
	own host.Host // nil while there is none
}

var errRoad = errors.New("the connection to the machine broke, and is being made anew")

// host is the connection, made if there is none.
func (r *road) host(ctx context.Context) (host.Host, error) {
	if h, ok := r.ready(); ok {
		return h, nil
	}
	// One at a time, and the others do not wait: it may take longer than a request has.
	if !r.making.TryLock() {
		return nil, fmt.Errorf("%s: %w", r.m.node.Name, errRoad)
	}
	defer r.making.Unlock()
	if h, ok := r.ready(); ok {
		return h, nil
	}
	if time.Since(r.tried) < time.Second {
		return nil, fmt.Errorf("%s: %w", r.m.node.Name, errRoad)
	}
	r.tried = time.Now()
	own := &machine{node: r.m.node}
	if err := r.connect(ctx, own); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.own = own.host
	return r.own, nil
}

func (r *road) ready() (host.Host, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.own, r.own != nil
}

// lost drops a connection that broke.
func (r *road) lost(h host.Host, err error) {
	var silent *host.UnreachableError
	if !errors.As(err, &silent) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.own == h {
		_ = h.Close() // it is broken
		r.own = nil
	}
}

// Dial connects from the machine.
func (r *road) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	h, err := r.host(ctx)
	if err != nil {
		return nil, err
	}
	conn, err := h.Dial(ctx, network, address)
	r.lost(h, err)
	return conn, err
}

// Run runs a command on the machine.
func (r *road) Run(ctx context.Context, c host.Command) error {
	h, err := r.host(ctx)
	if err != nil {
		return err
	}
	err = h.Run(ctx, c)
	r.lost(h, err)
	return err
}

// Open is nil when the machine does what it is told.
func (r *road) Open(ctx context.Context) error {
	return r.Run(ctx, host.Command{Args: []string{"true"}})
}

func (r *road) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.own != nil {
		_ = r.own.Close() // nothing was written that could be lost
		r.own = nil
	}
}

func (d *drilling) closeRoads() {
	for _, r := range d.roads {
		r.close()
	}
}
