package drill

import (
	"fmt"
	"slices"
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
