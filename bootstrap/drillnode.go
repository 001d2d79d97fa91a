package bootstrap

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/drill"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/host"
	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/spec"
)

// DrillNodeLoss cuts a control plane off the network for d.For, but for the connection that this is done by, and lets it come back.
func (r *Run) DrillNodeLoss(ctx context.Context, d Drill) (*drill.Report, error) {
	return r.brokenBy(ctx, "node-loss", 3, d, course{choose: chooseNode, run: cutOff, away: true})
}

// chooseNode takes the control plane that has the endpoint's address, and else the one where etcd leads: it hurts most. The one that
// load goes through cannot be cut off.
func chooseNode(ctx context.Context, d *drilling) error {
	via := d.roadOut(ctx)
	if d.Node != "" && d.Node == via {
		return &FlagError{"node", fmt.Errorf("%s is what the load goes through, since this machine does not reach the endpoint: name another", via)}
	}
	leader, err := d.leading(ctx)
	if err != nil {
		return err
	}
	var first *machine
	for _, m := range d.controlPlanes() {
		if m.node.Name == via || d.Here == m.node.Name {
			continue
		}
		if m.node.Name == d.Node {
			d.victims = []*machine{m}
			return nil
		}
		if first == nil || m == leader {
			first = m
		}
	}
	for _, m := range d.controlPlanes() {
		if m.node.Name != via && d.Here != m.node.Name && d.holds(ctx, m) {
			first = m
		}
	}
	if d.Node != "" || first == nil {
		return &FlagError{"node", errors.New("it is this very machine, which cannot be cut off from itself")}
	}
	d.victims = []*machine{first}
	return nil
}

// roadOut is the node that load will go through; "" where it goes from this machine.
func (d *drilling) roadOut(ctx context.Context) string {
	var about drill.Report
	if err := d.aim(ctx, &about); err != nil || about.Via == "this machine" {
		return "" // that there is no way is told when there has to be one
	}
	return about.Via
}

// holds reports whether m has the endpoint's address now.
func (d *drilling) holds(ctx context.Context, m *machine) bool {
	if d.Cluster.LoadBalancer.Kind != spec.VIP || !d.Cluster.Endpoint.Addr().Is4() {
		return false
	}
	return m.host.Run(ctx, host.Command{Args: []string{"grep", "-qwF", d.Cluster.Endpoint.Addr().String(), "/proc/net/fib_trie"}}) == nil
}

// peer is where the SSH connection to m comes from, as m sees it, and at which port it came in.
func peer(ctx context.Context, m *machine) (from netip.Addr, port uint16, err error) {
	var out bytes.Buffer
	if err := m.host.Run(ctx, host.Command{Args: []string{"sh", "-c", `echo "$SSH_CONNECTION"`}, Stdout: &out}); err != nil {
		return from, 0, err
	}
	return parsePeer(out.String())
}

// parsePeer reads what sshd says of a connection: address and port of the client, and then its own.
func parsePeer(text string) (from netip.Addr, port uint16, err error) {
	words := strings.Fields(text)
	if len(words) != 4 {
		return from, 0, fmt.Errorf("SSH_CONNECTION is %q, and four words were expected: without it nobody could get back to the machine", text)
	}
	if from, err = netip.ParseAddr(words[0]); err != nil {
		return from, 0, fmt.Errorf("SSH_CONNECTION: %w", err)
	}
	n, err := strconv.ParseUint(words[3], 10, 16)
	if err != nil {
		return from, 0, fmt.Errorf("SSH_CONNECTION: %w", err)
	}
	return from.Unmap().WithZone(""), uint16(n), nil
}

func cutOff(ctx context.Context, d *drilling) error {
	err := d.eachStage("cut off", d.victims, func(m *machine, _ event.Sink) error {
		from, port, err := peer(ctx, m)
		if err != nil {
			return err
		}
		// The kernel ends it by itself when nobody comes back.
		s := node.Sever{Peer: from, Port: port, For: d.For + 30*time.Second}
		if d.Cluster.LoadBalancer.Kind == spec.VIP {
			s.Address = d.Cluster.Endpoint.Addr()
		}
		d.rec.Broke("it was cut off the network", true, m.node.Name)
		return m.agent.Sever(ctx, s)
	})
	if err == nil {
		err = d.pass(ctx, "away", d.For)
	}
	return d.giveBack(ctx, "plug in", err)
}
