package bootstrap

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/slipway/slipway/internal/drill"
	"github.com/slipway/slipway/internal/etcd"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/host"
	"github.com/slipway/slipway/internal/load"
	"github.com/slipway/slipway/internal/spec"
)

// glance is the time between two looks at the same thing: often enough for a timeline, and no load.
const glance = time.Second

// startLooking follows who leads etcd, who has the endpoint's address, and the nodes, until ctx ends.
func (d *drilling) startLooking(ctx context.Context) {
	d.looks.Go(func() { d.followLeader(ctx) })
	d.looks.Go(func() {
		if err := load.FollowNodes(ctx, d.access, d.rec); err != nil {
			d.Sink.Emit(event.Event{Kind: event.Warning, Message: "nodes are not followed: " + err.Error()})
		}
	})
	if d.Cluster.LoadBalancer.Kind != spec.VIP {
		return
	}
	holders := &holders{rec: d.rec, holds: map[string]bool{}}
	for _, n := range d.Cluster.LoadBalancers() {
		i := slices.IndexFunc(d.roads, func(r *road) bool { return r.m.node.Name == n.Name })
		d.looks.Go(func() { d.followAddress(ctx, d.roads[i], holders) })
	}
}

// followLeader asks one member who leads, as long as it answers, and then the next.
func (d *drilling) followLeader(ctx context.Context) {
	names, asked := map[uint64]string{}, map[*road]*etcd.Client{}
	defer func() {
		for _, c := range asked {
			_ = c.Close() // it was only read from
		}
	}()
	var members []*road
	for _, r := range d.roads {
		if r.m.node.Role == spec.ControlPlane {
			members = append(members, r)
		}
	}
	for every := time.NewTicker(glance); ; {
		for range members {
			leader, err := d.askLeader(ctx, members[0], asked, names)
			if err == nil {
				d.rec.Note(drill.Leader, "", leader)
				break
			}
			members = append(members[1:], members[0])
		}
		select {
		case <-ctx.Done():
			every.Stop()
			return
		case <-every.C:
		}
	}
}

// askLeader is the name of the node whose member leads; "" while there is none.
func (d *drilling) askLeader(ctx context.Context, r *road, asked map[*road]*etcd.Client, names map[uint64]string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	client := asked[r]
	if client == nil {
		a := d.etcdAccess(clientURL(r.m.node.Address), r.m.node.Name)
		a.Dial = r.Dial
		var err error
		if client, err = etcd.Connect(a); err != nil {
			return "", err
		}
		asked[r] = client
	}
	s, err := client.Status(ctx)
	if err != nil {
		return "", err
	}
	if names[s.Leader] == "" && s.Leader != 0 {
		members, err := client.Members(ctx)
		if err != nil {
			return "", err
		}
		for _, m := range members {
			names[m.ID] = m.Name
		}
	}
	return names[s.Leader], nil
}

// holders puts together what the machines say of the endpoint's address, each of itself.
type holders struct {
	rec   *drill.Recorder
	mu    sync.Mutex
	holds map[string]bool
}

func (h *holders) say(node string, has bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.holds[node] = has
	var now []string
	for name, has := range h.holds {
		if has {
			now = append(now, name)
		}
	}
	slices.Sort(now)
	h.rec.Note(drill.Holder, "", strings.Join(now, ", "))
}

// addressScript tells every second whether the machine has an address, $0, by the kernel's own table, $1: bare machines may lack
// ip. It ends when nobody reads any more.
const addressScript = `while :; do if grep -qwF "$0" "$1"; then echo 1; else echo 0; fi; sleep 1; done`

func (d *drilling) followAddress(ctx context.Context, r *road, h *holders) {
	address, table := d.Cluster.Endpoint.Addr().String(), "/proc/net/fib_trie"
	if a := d.Cluster.Endpoint.Addr(); a.Is6() {
		address, table = fmt.Sprintf("%x", a.As16()), "/proc/net/if_inet6"
	}
	for ctx.Err() == nil {
		in, out := io.Pipe()
		go func() {
			for lines := bufio.NewScanner(in); lines.Scan(); {
				h.say(r.m.node.Name, lines.Text() == "1")
			}
		}()
		err := r.Run(ctx, host.Command{Args: []string{"sh", "-c", addressScript, address, table}, Stdout: out})
		_ = out.CloseWithError(err) // always nil
		select {
		case <-ctx.Done():
		case <-time.After(glance):
		}
	}
}
