package drill

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// aspects draws who led etcd and who had the endpoint's address.
func (c *canvas) aspects(r *Report, y float64) float64 {
	for _, a := range []struct {
		what      Aspect
		name, say string
	}{{Leader, "etcd leader", "leads etcd"}, {Holder, "VIP holder", "has the endpoint's address"}} {
		spells := r.spells(a.what, "")
		if len(spells) == 0 {
			continue
		}
		c.label(y+13, "strong", a.name)
		for _, s := range spells {
			class, who := "none", "nobody"
			if i := slices.IndexFunc(r.Nodes, func(m Machine) bool { return m.Name == s.is }); i >= 0 {
				class, who = fmt.Sprintf("c%d", i%8), s.is
			} else if s.is != "" { // the address on two machines
				class, who = "bad", s.is
			}
			c.span(s.from, s.to, y, ribbon, class, fmt.Sprintf("%s %s, +%.1f s to +%.1f s", who, a.say, s.from, s.to))
			c.within(s.from, s.to, y+13, "on", who)
		}
		y += ribbon + 6
	}
	return y
}

// nodes draws each node's version, and above it when it was worked on, cordoned, or not Ready.
func (c *canvas) nodes(r *Report, y float64) float64 {
	c.Texts = append(c.Texts, text{c.left, y + 8, "caption", "Nodes: version of the kubelet; at work, cordoned, not Ready"})
	y += 15
	for _, n := range r.Nodes {
		versions := r.spells(Version, n.Name)
		if len(versions) == 0 {
			continue
		}
		c.label(y+14, "", n.Name)
		for _, s := range versions {
			class := "version"
			if s.is == r.To {
				class = "version new"
			}
			c.span(s.from, s.to, y+5, ribbon-3, class, fmt.Sprintf("%s runs %s, +%.1f s to +%.1f s", n.Name, s.is, s.from, s.to))
			c.within(s.from, s.to, y+16, "on", s.is)
		}
		for _, s := range r.spells(Cordon, n.Name) {
			if s.is == "yes" {
				c.span(s.from, s.to, y+5, ribbon-3, "cordoned", fmt.Sprintf("%s cordoned, +%.1f s to +%.1f s", n.Name, s.from, s.to))
			}
		}
		for _, s := range r.spells(Ready, n.Name) {
			if s.is != "yes" {
				c.span(s.from, s.to, y+5, ribbon-3, "notready", fmt.Sprintf("%s not Ready (%s), +%.1f s to +%.1f s", n.Name, s.is, s.from, s.to))
			}
		}
		for _, st := range r.Stages {
			for _, p := range st.Nodes {
				if p.Node == n.Name {
					c.span(p.Start, p.Start+p.Seconds, y, 4, workClass(p), fmt.Sprintf("%s on %s, +%.1f s to +%.1f s", st.Name, n.Name, p.Start, p.Start+p.Seconds))
				}
			}
		}
		y += ribbon + 7
	}
	return y
}

func workClass(p Part) string {
	if p.Failed {
		return "bad"
	}
	return "work"
}

// marks draws through everything when the cluster was broken, when that was taken back, when writes were taken again, and when all was
// as before.
func (c *canvas) marks(broken *Recovery, bottom float64) {
	if broken == nil {
		return
	}
	type mark struct {
		at              float64
		class, say, how string
	}
	all := []mark{{broken.Broke, "hurt", "broken", broken.What + " on " + strings.Join(broken.Nodes, ", ")}}
	if broken.Mended > 0 {
		all = append(all, mark{broken.Mended, "healed", "taken back", "what was done is taken back"})
	}
	if broken.Resumed > 0 {
		all = append(all, mark{broken.Resumed, "healed", "writes again", "the API takes writes again, " + broken.WritesAgain()})
	}
	if broken.Whole > 0 {
		all = append(all, mark{broken.Broke + broken.Whole, "healed", "whole again", "all is as before, " + broken.WholeAgain()})
	}
	slices.SortStableFunc(all, func(a, b mark) int { return cmp.Compare(a.at, b.at) })
	free := 0.0 // where the last word ended
	for _, m := range all {
		c.span(m.at, m.at, 14, bottom-14, "mark "+m.class, fmt.Sprintf("+%.1f s: %s", m.at, m.how))
		if x := c.x(m.at); x >= free {
			const letter = 5.6
			c.Texts = append(c.Texts, text{x, 10, "said " + m.class, m.say})
			free = x + letter*float64(len(m.say)) + 10
		}
	}
}

// spell is how long something was what it was.
type spell struct {
	from, to float64
	is       string
}

// spells are those of one aspect, to the end of the drill.
func (r *Report) spells(what Aspect, node string) []spell {
	var out []spell
	changes := slices.Clone(r.Changes)
	slices.SortStableFunc(changes, func(a, b Change) int { return cmp.Compare(a.At, b.At) })
	for _, c := range changes {
		if c.What != what || c.Node != node {
			continue
		}
		if n := len(out); n > 0 {
			out[n-1].to = c.At
		}
		out = append(out, spell{c.At, r.Seconds, c.Is})
	}
	return out
}
