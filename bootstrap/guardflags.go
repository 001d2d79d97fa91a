package bootstrap

import (
	"fmt"
	"maps"
	"slices"

	"github.com/slipway/slipway/internal/flags"
	"github.com/slipway/slipway/internal/spec"
)

// flagFinding is something about one flag of the file, or about one feature gate in its value.
type flagFinding struct {
	spec.Objection
	warning bool
}

// unknownFlags are objections to flags and feature gates that c's version does not know: no program would start with them.
func unknownFlags(c *spec.Cluster) (out []spec.Objection, err error) {
	found, err := judgeFlags(c)
	for _, f := range found {
		if !f.warning {
			out = append(out, f.Objection)
		}
	}
	return out, err
}

// flagWarnings are what upstream says of flags and feature gates of the file that are on their way out, each with its place.
func (r *Run) flagWarnings() (out []string, err error) {
	if len(r.controlPlanes()) == 0 { // a worker that changes itself: none of them is run there
		return nil, nil
	}
	found, err := judgeFlags(r.Cluster)
	for _, f := range found {
		switch {
		case !f.warning:
		case f.At.Filename == "":
			out = append(out, f.Detail)
		default:
			out = append(out, fmt.Sprintf("%s line %d: %s", f.At.Filename, f.At.Start.Line, f.Detail))
		}
	}
	if err != nil || len(r.Cluster.Flags["etcd"]) == 0 {
		return out, err
	}
	known, err := flags.Etcd()
	if err != nil {
		return nil, err
	}
	if v := r.bundle.Manifest().Versions["etcd"]; v != known.Version { // of a bundle that another slipway has built
		out = append(out, fmt.Sprintf("the bundle's etcd is release %s, and the flags of the file were checked by those of %s", v, known.Version))
	}
	return out, nil
}

// judgeFlags compares the flags of c with those that the programs of its version take.
func judgeFlags(c *spec.Cluster) (found []flagFinding, err error) {
	for _, program := range slices.Sorted(maps.Keys(c.Flags)) {
		j := flagJudge{program: program}
		if j.releases, j.now, err = releasesOf(program, c.Kubernetes); err != nil {
			return nil, err
		}
		if j.now < 0 {
			found = append(found, warned("the flags of %s are not checked: which ones it takes in Kubernetes %s is not known to this slipway", program, c.Kubernetes)...)
			continue
		}
		set := c.Flags[program]
		for _, flag := range slices.Sorted(maps.Keys(set)) {
			of := j.flag(flag)
			if flag == "feature-gates" {
				of = append(of, j.gates(set)...)
			}
			for _, f := range of {
				f.At = c.Places.Flags[program][flag]
				found = append(found, f)
			}
		}
	}
	return found, nil
}

// guardDeclared refuses flags of the cluster's declaration that the version to come does not know.
func (r *Run) guardDeclared() error {
	unknown, err := unknownFlags(r.Cluster)
	if err != nil {
		return err
	}
	for i := range unknown {
		unknown[i].Detail += " slipway export writes the cluster's file, in which flags can be changed, and slipway apply takes it from there."
	}
	return r.Cluster.Refuse(unknown...)
}
