package ui

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/slipway/slipway/internal/status"
)

// Status answers with s as a dashboard, or as JSON.
func (o *Output) Status(s *status.Status) error {
	if o.format == JSON {
		return o.document(s)
	}
	_, err := io.WriteString(o.out.w, o.out.statusText(s))
	return err
}

func (s stream) statusText(st *status.Status) string {
	parts := []string{s.headline(st)}
	if len(st.Nodes) > 0 {
		parts = append(parts, s.nodeTable(st.Nodes))
	}
	if len(st.ControlPlane) > 0 {
		parts = append(parts, s.componentTable(st.ControlPlane))
	}
	if len(st.Etcd) > 0 {
		parts = append(parts, s.etcdTable(st.Etcd))
	}
	if len(st.Certificates) > 0 {
		parts = append(parts, s.certificates(st.Certificates, st.Time))
	}
	if st.Backups != nil {
		parts = append(parts, s.backups(st.Backups, st.Time))
	}
	if problems := append(slices.Clone(st.Problems), untold(st)...); len(problems) > 0 {
		parts = append(parts, s.problems(problems))
	}
	return strings.Join(parts, "\n")
}

// health is one word with its sign; down is the word for what is neither healthy nor degraded.
func (s stream) health(h status.Health, down string) string {
	switch h {
	case status.Healthy:
		return s.good.Render(s.ok + " " + string(h))
	case status.Degraded:
		return s.warn.Bold(true).Render(s.alert + " " + string(h))
	}
	return s.bad.Render(s.fail + " " + down)
}

// headline is the cluster in one line.
func (s stream) headline(st *status.Status) string {
	health := s.health(st.Health, string(st.Health))
	ready := 0
	for _, n := range st.Nodes {
		if n.Ready {
			ready++
		}
	}
	about := []string{"Kubernetes " + st.Kubernetes}
	if st.Endpoint != "" {
		about = append(about, "https://"+st.Endpoint)
	}
	about = append(about, fmt.Sprintf("%d/%d nodes ready", ready, len(st.Nodes)))
	return fmt.Sprintf("%s  %s  %s\n", s.bold.Render(clean(st.Cluster)), health, s.dim.Render(strings.Join(about, " "+s.dot+" ")))
}

func (s stream) nodeTable(nodes []status.Node) string {
	var rows [][]string
	for _, n := range nodes {
		pods := ""
		if n.Joined {
			pods = fmt.Sprint(n.Pods)
		}
		rows = append(rows, []string{
			s.bold.Render(clean(n.Name)), n.Role, n.Address, s.readiness(n), clean(n.Version), clean(n.Runtime),
			pods, s.remarks(n),
		})
	}
	return s.table([]string{"node", "role", "address", "ready", "version", "runtime", "pods", ""}, rows)
}

func (s stream) readiness(n status.Node) string {
	switch {
	case n.Ready:
		return s.good.Render(s.ok)
	case !n.Joined && n.Reachable:
		return s.dim.Render("not joined")
	}
	return s.bad.Render(s.fail)
}

// remarks is what stands out about a node.
func (s stream) remarks(n status.Node) string {
	var out []string
	if !n.Reachable && !n.Undeclared {
		out = append(out, s.bad.Render("no SSH"))
	}
	if n.Cordoned {
		out = append(out, s.warn.Render("cordoned"))
	}
	if n.Undeclared {
		out = append(out, s.warn.Render("not in the file"))
	}
	for _, c := range n.Conditions {
		out = append(out, s.warn.Render(clean(c)))
	}
	return strings.Join(out, ", ")
}

// untold are the messages of components that no problem repeats. Of a machine that cannot be reached, that is all there
// is to say.
func untold(st *status.Status) []status.Problem {
	var out []status.Problem
	for _, p := range st.ControlPlane {
		if slices.ContainsFunc(st.Nodes, func(n status.Node) bool { return n.Name == p.Node && !n.Reachable }) {
			continue
		}
		for _, col := range componentColumns() {
			c := col.of(p)
			if c == nil || c.Message == "" || slices.ContainsFunc(st.Problems, func(told status.Problem) bool {
				return told.Node == p.Node && strings.Contains(told.What, c.Message)
			}) {
				continue
			}
			out = append(out, status.Problem{Node: p.Node, What: col.name + ": " + c.Message})
		}
	}
	return out
}

func (s stream) problems(problems []status.Problem) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", s.bold.Render("Problems"))
	for _, p := range problems {
		f := Failure{Error: p.What, Node: p.Node, Remedy: p.Remedy}
		fmt.Fprintf(&b, "  %s %s\n", s.bad.Render(s.fail), s.failureBody(f, "    "))
	}
	return b.String()
}
