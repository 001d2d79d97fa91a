package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/slipway/slipway/internal/agent"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/host"
	"github.com/slipway/slipway/internal/kube"
	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/spec"
)

// machine is one declared node with the connection to it and what was seen there.
type machine struct {
	node    spec.Node
	host    host.Host
	agent   *agent.Agent
	facts   node.Facts
	skew    time.Duration
	state   node.State
	changes []node.Change

	taken     bool   // a node of the cluster that is taken over, and not Slipway's yet
	left      string // id of the cluster that its node is out of, while it is still to be cleaned
	unreached error  // why it does not answer, where that is not the end of the run
	apart     bool   // taken apart already, so that it need not be cleaned
	cleaned   bool   // or given up

	clients sync.Mutex
	kube    *kube.Client // of its own API server, made when first needed and kept: each holds connections
}

// NodeError is what went wrong on one machine.
type NodeError struct {
	name string
	err  error
}

func (e *NodeError) Error() string {
	text := e.err.Error()
	// Errors of the connection name the machine already: "cp-1 (10.0.0.11:22): …".
	if strings.HasPrefix(text, e.name+":") || strings.HasPrefix(text, e.name+" (") {
		return text
	}
	return e.name + ": " + text
}

// Node is the declared name of the machine.
func (e *NodeError) Node() string  { return e.name }
func (e *NodeError) Unwrap() error { return e.err }

// each calls do for all machines in parallel and joins what fails, in the order of names. One
// machine's failure does not stop the others: what they finish need not be done again.
func each(machines []*machine, do func(*machine) error) error {
	failures := make([]error, len(machines))
	var g errgroup.Group
	for i, m := range machines {
		g.Go(func() error {
			if err := do(m); err != nil {
				failures[i] = &NodeError{m.node.Name, err}
			}
			return nil
		})
	}
	_ = g.Wait() // the functions return nil; failures are kept by machine
	failures = slices.DeleteFunc(failures, func(err error) bool { return err == nil })
	slices.SortStableFunc(failures, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(failures...)
}

// connect reaches every declared machine, or tells all that cannot be reached.
func (r *Run) connect(ctx context.Context) error {
	return r.stage("connect", func(sink event.Sink) error {
		r.machines = make([]*machine, len(r.Cluster.Nodes))
		for i, n := range r.Cluster.Nodes {
			r.machines[i] = &machine{node: n}
		}
		return each(r.machines, func(m *machine) error { return r.reach(ctx, m) })
	})
}

// reach connects to m, which is this very machine where the run says so.
func (r *Run) reach(ctx context.Context, m *machine) error {
	if r.Here == m.node.Name {
		h := host.NewLocal()
		m.host, m.agent = h, agent.New(h, r.binary)
		return nil
	}
	options, err := sshOptions(m.node)
	if err != nil {
		return err
	}
	h, err := host.Connect(ctx, options)
	if err != nil {
		return err
	}
	m.host, m.agent = h, agent.New(h, r.binary)
	return nil
}

func sshOptions(n spec.Node) (host.Options, error) {
	o := host.Options{
		Name: n.Name, Address: n.Address.String(), Port: n.SSH.Port, User: n.SSH.User,
		PrivateKey: n.SSH.PrivateKey, KnownHosts: n.SSH.KnownHosts, Timeout: n.SSH.Timeout,
	}
	if n.SSHAddress != "" {
		o.Address = n.SSHAddress
	}
	for _, b := range n.SSH.Bastions {
		o.Bastions = append(o.Bastions, host.Hop{Address: b.Address, Port: b.Port, User: b.User, PrivateKey: b.PrivateKey})
	}
	if path := n.SSH.SudoPasswordFile; path != "" {
		password, err := os.ReadFile(path)
		if err != nil {
			return o, fmt.Errorf("read the sudo password: %w", err)
		}
		o.SudoPassword = password
	}
	return o, nil
}
