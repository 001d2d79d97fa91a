package bootstrap

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/slipway/slipway/internal/kube"
	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/internal/statedir"
	"github.com/slipway/slipway/internal/status"
)

// Status looks at the cluster and changes nothing. A machine that cannot be reached, or a part that does not
// answer, is a problem in what it returns, not an error.
func (r *Run) Status(ctx context.Context) (*status.Status, error) {
	s := &status.Status{
		Cluster: r.Cluster.Name, Kubernetes: r.Cluster.Kubernetes, Time: time.Now(), Health: status.Absent,
		Endpoint: r.Cluster.Endpoint.String(),
	}
	var err error
	if r.certs, err = r.stored(); errors.Is(err, statedir.ErrEmpty) {
		s.Problems = append(s.Problems, status.Problem{What: "there is no state directory for this cluster", Remedy: "slipway apply -f " + r.Cluster.File})
		return s, nil
	} else if err != nil {
		return nil, err
	}
	r.catchUp(ctx)
	r.reachAll(ctx, s)
	r.statusNodes(ctx, s)
	r.statusEtcd(ctx, s)
	r.statusControlPlane(ctx, s)
	r.statusCertificates(s)
	r.statusBackups(ctx, s)
	if err := r.statusRollout(s); err != nil {
		return nil, err
	}
	if err := errors.Join(r.statusRestore(s), r.statusRecovery(s)); err != nil {
		return nil, err
	}
	s.Health = r.health(s)
	return s, nil
}

// reachAll connects to what answers; the rest become problems.
func (r *Run) reachAll(ctx context.Context, s *status.Status) {
	var mu sync.Mutex
	for _, n := range r.Cluster.Nodes {
		r.machines = append(r.machines, &machine{node: n})
	}
	_ = each(r.machines, func(m *machine) error { // failures are told as problems
		if r.elsewhere(m) {
			return nil
		}
		err := r.reach(ctx, m)
		if err == nil {
			m.facts, err = m.agent.Facts(ctx, node.Ask{Programs: []string{keepalived}})
		}
		if err != nil {
			mu.Lock()
			defer mu.Unlock()
			s.Problems = append(s.Problems, status.Problem{Node: m.node.Name, What: (&NodeError{m.node.Name, err}).Error(), Remedy: "look at the machine: is it on, is sshd up?"})
		}
		return nil
	})
	slices.SortFunc(s.Problems, func(a, b status.Problem) int { return strings.Compare(a.Node, b.Node) })
}

func (r *Run) statusNodes(ctx context.Context, s *status.Status) {
	declared := map[string]int{}
	for _, m := range r.machines {
		declared[m.node.Name] = len(s.Nodes)
		s.Nodes = append(s.Nodes, status.Node{
			Name: m.node.Name, Role: string(m.node.Role), Address: m.node.Address.String(),
			Reachable: m.facts.Hostname != "" || r.elsewhere(m), OS: m.facts.OS, Kernel: m.facts.Kernel,
		})
	}
	client, err := r.anyAPI(ctx)
	if err != nil {
		s.Problems = append(s.Problems, status.Problem{What: err.Error(), Remedy: "journalctl -u kubelet and /var/log/pods on a control plane show why; " + r.byApply("mends what differs")})
		return
	}
	live, err := client.NodeInfo(ctx)
	if err != nil {
		s.Problems = append(s.Problems, status.Problem{What: err.Error()})
		return
	}
	for _, n := range live {
		i, known := declared[n.Name]
		if !known {
			i = len(s.Nodes)
			s.Nodes = append(s.Nodes, r.undeclared(n))
		}
		fill(&s.Nodes[i], n)
		if n.NotReady != "" {
			s.Problems = append(s.Problems, status.Problem{Node: n.Name, What: "not Ready: " + n.NotReady, Remedy: "journalctl -u kubelet on the machine"})
		}
	}
	for _, n := range s.Nodes {
		if !n.Joined && n.Role != string(spec.LoadBalancer) {
			s.Problems = append(s.Problems, status.Problem{Node: n.Name, What: "has not joined the cluster", Remedy: r.joining()})
		}
	}
	if err := client.SystemReady(ctx); err != nil {
		s.Problems = append(s.Problems, status.Problem{What: err.Error(), Remedy: "kubectl -n kube-system describe pod"})
	}
}

func fill(n *status.Node, info kube.NodeInfo) {
	n.Joined, n.Ready, n.Cordoned = true, info.NotReady == "", info.Cordoned
	n.Version, n.Runtime, n.Pods, n.Conditions = info.Version, info.Runtime, info.Pods, info.Conditions
	if n.OS == "" {
		n.OS, n.Kernel = info.OS, info.Kernel
	}
}

// statusCertificates lists every authority and the soonest to expire of each node's certificates.
func (r *Run) statusCertificates(s *status.Status) {
	soonest := map[string]int{}
	for _, e := range r.certs.Expiries() {
		if left := time.Until(e.NotAfter); left < 30*24*time.Hour {
			s.Problems = append(s.Problems, status.Problem{Node: e.Node, What: "certificate " + e.Name + " expires " + e.NotAfter.Format(time.DateOnly), Remedy: r.byApply("renews it")})
		}
		certificate := status.Certificate{Name: e.Name, Node: e.Node, CA: e.CA, Expires: e.NotAfter}
		i, seen := soonest[e.Node]
		switch {
		case e.Node == "" || !seen:
			soonest[e.Node] = len(s.Certificates)
			s.Certificates = append(s.Certificates, certificate)
		case e.NotAfter.Before(s.Certificates[i].Expires):
			s.Certificates[i] = certificate
		}
	}
}

// health is the word over everything: down without API or quorum, degraded with any problem.
func (r *Run) health(s *status.Status) status.Health {
	voters := 0
	for _, m := range s.Etcd {
		if m.Healthy && !m.Learner {
			voters++
		}
	}
	serving := slices.ContainsFunc(s.ControlPlane, func(c status.ControlPlane) bool { return c.APIServer != nil && c.APIServer.Healthy })
	switch {
	// One that reads through its leader is enough of a proof: there may be fewer members than the file has control planes.
	case !serving || voters == 0:
		return status.Down
	case len(s.Problems) > 0:
		return status.Degraded
	}
	return status.Healthy
}
