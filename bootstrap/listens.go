package bootstrap

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"time"
)

// listens is the port of etcd or the API server that takes connections at the address, from here or from any of the machines; 0
// where none does.
func (r *Run) listens(ctx context.Context, address netip.Addr) int {
	dials := []func(context.Context, string, string) (net.Conn, error){(&net.Dialer{}).DialContext}
	for _, m := range r.machines {
		dials = append(dials, m.host.Dial)
	}
	found := make(chan int, len(dials)*3)
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	waiting := 0
	for _, dial := range dials {
		for _, port := range []int{6443, 2380, 2379} {
			waiting++
			go func() {
				conn, err := dial(ctx, "tcp", net.JoinHostPort(address.String(), strconv.Itoa(port)))
				if err != nil {
					found <- 0
					return
				}
				_ = conn.Close() // that it was taken is all there was to know
				found <- port
			}()
		}
	}
	for range waiting {
		select {
		case port := <-found:
			if port != 0 {
				return port
			}
		case <-ctx.Done(): // a dial through another machine may take longer than that
			return 0
		}
	}
	return 0
}
