package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/internal/status"
)

// errUnreached stands where a machine could not be asked; why is told once, with the machine.
var errUnreached = errors.New("the machine cannot be reached")

// statusEtcd asks every member about itself.
func (r *Run) statusEtcd(ctx context.Context, s *status.Status) {
	members := r.controlPlanes()
	s.Etcd = make([]status.Member, len(members))
	var wg sync.WaitGroup
	var mu sync.Mutex
	for i, m := range members {
		wg.Go(func() {
			found, err := r.statusMember(ctx, m)
			s.Etcd[i] = found
			if err != nil {
				mu.Lock()
				defer mu.Unlock()
				s.Problems = append(s.Problems, status.Problem{Node: m.node.Name, What: err.Error(), Remedy: "/var/log/pods/kube-system_etcd-* on the machine shows why; " + r.byApply("starts it again")})
			}
		})
	}
	wg.Wait()
	if lost := new(QuorumLostError); r.Here == "" && errors.As(r.quorumLost(ctx), &lost) {
		s.Problems = append(s.Problems, status.Problem{What: lost.Error(), Remedy: lost.Remedy()})
	}
	s.Problems = append(s.Problems, r.quorumLostHere(s.Etcd)...)
	var newest uint64
	for _, m := range s.Etcd {
		newest = max(newest, m.Index)
	}
	for i := range s.Etcd {
		if s.Etcd[i].Index > 0 {
			s.Etcd[i].Lag = newest - s.Etcd[i].Index
		}
	}
}

func (r *Run) statusMember(ctx context.Context, m *machine) (status.Member, error) {
	out := status.Member{Node: m.node.Name}
	if m.host == nil && !r.elsewhere(m) {
		return out, nil // told of already
	}
	client, err := r.memberOf(m)
	if err != nil {
		return out, err
	}
	defer client.Close()
	s, err := client.Status(ctx)
	if err != nil {
		return out, err
	}
	out.ID, out.Leader, out.Learner, out.Version = fmt.Sprintf("%x", s.ID), s.ID == s.Leader, s.Learner, s.Version
	out.DBBytes, out.InUse, out.Index = s.DBSize, s.DBSizeInUse, s.RaftIndex
	if err = client.Voting(ctx); err == nil {
		out.Healthy = true
	}
	return out, err
}

// statusControlPlane asks each component on each machine for its health.
func (r *Run) statusControlPlane(ctx context.Context, s *status.Status) {
	leaders := r.leaders(ctx)
	balanced := map[string]bool{}
	for _, n := range r.Cluster.LoadBalancers() {
		balanced[n.Name] = true
	}
	etcd := map[string]status.Member{}
	for _, m := range s.Etcd {
		etcd[m.Node] = m
	}
	for _, m := range r.machines {
		if m.node.Role == spec.Worker {
			continue
		}
		c := status.ControlPlane{Node: m.node.Name}
		if m.node.Role == spec.ControlPlane {
			c.Etcd = &status.Component{Healthy: etcd[m.node.Name].Healthy, Leader: etcd[m.node.Name].Leader}
			c.APIServer = component(r.statusAPI(ctx, m))
		}
		if m.node.Role == spec.ControlPlane && !r.elsewhere(m) {
			c.ControllerManager = component(listening(ctx, m, "127.0.0.1:10257"))
			c.Scheduler = component(listening(ctx, m, "127.0.0.1:10259"))
			c.ControllerManager.Leader = leaders["kube-controller-manager"] == m.node.Name
			c.Scheduler.Leader = leaders["kube-scheduler"] == m.node.Name
		}
		if balanced[m.node.Name] && !r.elsewhere(m) {
			c.HAProxy = component(listening(ctx, m, "127.0.0.1:8405"))
			c.Keepalived = component(alive(m, keepalived))
			_, c.Keepalived.Leader = m.facts.Addresses[r.Cluster.Endpoint.Addr().String()]
		}
		s.ControlPlane = append(s.ControlPlane, c)
		if m.host != nil || r.elsewhere(m) {
			s.Problems = append(s.Problems, r.componentProblems(c)...)
		}
	}
	r.statusHolders(s)
}

// componentProblems tells what is not well on one machine, but for etcd, whose members have told it.
func (r *Run) componentProblems(c status.ControlPlane) []status.Problem {
	var out []status.Problem
	for _, part := range []struct {
		pod string
		is  *status.Component
	}{
		{"kube-apiserver", c.APIServer}, {"kube-controller-manager", c.ControllerManager}, {"kube-scheduler", c.Scheduler},
		{"haproxy", c.HAProxy}, {keepalived, c.Keepalived},
	} {
		if part.is == nil || part.is.Healthy {
			continue
		}
		out = append(out, status.Problem{
			Node: c.Node, What: part.pod + ": " + part.is.Message,
			Remedy: "/var/log/pods/kube-system_" + part.pod + "-* on the machine shows why; " + r.byApply("starts it again"),
		})
	}
	return out
}

// statusHolders checks that exactly one machine has the shared address.
func (r *Run) statusHolders(s *status.Status) {
	if r.Cluster.LoadBalancer.Kind != spec.VIP || r.Here != "" { // which machine has it, only all of them can tell
		return
	}
	var holders []string
	for _, c := range s.ControlPlane {
		if c.Keepalived != nil && c.Keepalived.Leader {
			holders = append(holders, c.Node)
		}
	}
	if len(holders) != 1 {
		s.Problems = append(s.Problems, status.Problem{
			What:   strings.TrimSpace(fmt.Sprintf("%d machines hold the endpoint's address %s %s", len(holders), r.Cluster.Endpoint.Addr(), strings.Join(holders, ", "))),
			Remedy: "logs of the keepalived pods; VRRP (IP protocol 112) must pass between the balancers",
		})
	}
}

// leaders tells which node holds each component's lease.
func (r *Run) leaders(ctx context.Context) map[string]string {
	client, err := r.anyAPI(ctx)
	if err != nil {
		return nil // told of already
	}
	return client.Leaders(ctx, "kube-controller-manager", "kube-scheduler")
}

func component(err error) *status.Component {
	if err != nil {
		return &status.Component{Message: err.Error()}
	}
	return &status.Component{Healthy: true}
}

func (r *Run) statusAPI(ctx context.Context, m *machine) error {
	switch {
	case r.elsewhere(m):
		_, err := r.readyAt(ctx, m.node.Address)
		return err
	case m.host == nil:
		return errUnreached
	}
	return r.ready(ctx, m)
}

// keepalived is the program that holds the shared address. It listens nowhere, so its process is looked for.
const keepalived = "keepalived"

// alive is nil when a process of the program lived as the machine told its facts.
func alive(m *machine, program string) error {
	switch {
	case m.host == nil:
		return errUnreached
	case m.facts.Hostname == "":
		return errors.New("the machine told nothing of itself")
	case !slices.Contains(m.facts.Running, program):
		return fmt.Errorf("no process %s runs", program)
	}
	return nil
}

// listening is nil when something on the machine accepts connections at the address.
func listening(ctx context.Context, m *machine, address string) error {
	if m.host == nil {
		return errUnreached
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second) // a slow machine is not a dead one
	defer cancel()
	conn, err := m.host.Dial(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return conn.Close()
}
