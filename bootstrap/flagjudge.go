package bootstrap

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway/slipway/internal/flags"
	"github.com/slipway/slipway/internal/spec"
)

// flagJudge judges the flags of one program.
type flagJudge struct {
	program  string
	releases []*flags.Release
	now      int // index of the one that is to run
}

func (j *flagJudge) release() *flags.Release { return j.releases[j.now] }

// of is the program with its version, for messages.
func (j *flagJudge) of() string { return j.program + " of " + j.name(j.now) }

func (j *flagJudge) name(i int) string {
	if j.program == "etcd" {
		return "release " + j.releases[i].Version
	}
	return "Kubernetes " + j.releases[i].Version
}

func refused(summary, format string, args ...any) []flagFinding {
	return []flagFinding{{Objection: spec.Objection{Summary: summary, Detail: fmt.Sprintf(format, args...)}}}
}

func warned(format string, args ...any) []flagFinding {
	return []flagFinding{{Objection: spec.Objection{Detail: fmt.Sprintf(format, args...)}, warning: true}}
}

// flag judges a flag by its name.
func (j *flagJudge) flag(name string) []flagFinding {
	said, known := j.release().Programs[j.program][name]
	has := func(r *flags.Release) bool { return r.Has(j.program, name) }
	before, after := j.before(has), j.after(has)
	switch {
	case known && said == "" && j.leaves(has) == "":
		return nil
	case known && said == "":
		return warned("--%s of %s is about to go%s", name, j.of(), j.leaves(has))
	case known:
		return warned("--%s of %s is deprecated: %q%s", name, j.of(), said, j.leaves(has))
	case before >= 0:
		word := ""
		if said := j.releases[before].Programs[j.program][name]; said != "" {
			word = fmt.Sprintf(" Upstream's word there: %q", said)
		}
		return refused("Removed flag", "%s has no flag --%s any more. That of %s had it. Remove it here, or write what has taken its place.%s", j.of(), name, j.name(before), word)
	case after >= 0:
		return refused("Flag of a later version", "%s has no flag --%s yet; that of %s does. Remove it here until then.", j.of(), name, j.name(after))
	}
	return refused("Unknown flag", "%s has no flag --%s.%s", j.of(), name, spec.Suggest(name, j.release().Names(j.program)))
}

// gates judges the feature gates that the program's flags set.
func (j *flagJudge) gates(set map[string]string) (found []flagFinding) {
	// A server that behaves like an older one has the stages of that one.
	emulates := set["emulated-version"] != "" || set["min-compatibility-version"] != ""
	for _, s := range flags.Settings(set["feature-gates"]) {
		if j.program != "etcd" {
			s.Gate = strings.TrimPrefix(s.Gate, "kube:")
		}
		found = append(found, j.gate(s, emulates)...)
	}
	return found
}

func (j *flagJudge) gate(s flags.Setting, emulates bool) []flagFinding {
	gate, known := j.release().Gates[s.Gate]
	has := func(r *flags.Release) bool { _, has := r.Gates[s.Gate]; return has }
	before, after, ahead := j.before(has), j.after(has), j.leaves(has)
	on, err := strconv.ParseBool(s.Value)
	if next := j.now + 1; next < len(j.releases) && err == nil {
		if g := j.releases[next].Gates[s.Gate]; g.Locked && g.On != on {
			ahead = fmt.Sprintf("; in %s it is %s", j.name(next), stage(g))
		}
	}
	switch {
	case !known && before >= 0:
		return refused("Removed feature gate", "%s has no feature gate %s any more. In %s it was %s. Remove it here.", j.of(), s.Gate, j.name(before), stage(j.releases[before].Gates[s.Gate]))
	case !known && after >= 0:
		return refused("Feature gate of a later version", "%s has no feature gate %s yet; that of %s does. Remove it here until then.", j.of(), s.Gate, j.name(after))
	case !known:
		return refused("Unknown feature gate", "%s has no feature gate %s.%s", j.of(), s.Gate, spec.Suggest(s.Gate, j.release().GateNames()))
	case err != nil:
		return refused("Bad feature gate", "%q is no value for the feature gate %s of %s: expected true or false.", s.Value, s.Gate, j.program)
	case gate.Locked && on != gate.On && !emulates:
		return refused("Locked feature gate", "%s cannot set the feature gate %s to %t: it is %s. Remove it here.", j.of(), s.Gate, on, stage(gate))
	case gate.Stage == "GA" || gate.Stage == "DEPRECATED": // both are how upstream warns
		return warned("feature gate %s of %s is %s, and will be removed in a future release%s", s.Gate, j.of(), stage(gate), ahead)
	case ahead != "":
		return warned("feature gate %s of %s is %s%s", s.Gate, j.of(), stage(gate), ahead)
	}
	return nil
}

// before is the newest release before the one that is to run which has something; -1 where none does.
func (j *flagJudge) before(has func(*flags.Release) bool) int {
	for i := j.now - 1; i >= 0; i-- {
		if has(j.releases[i]) {
			return i
		}
	}
	return -1
}

// after is the oldest release after the one that is to run which has something; -1 where none does.
func (j *flagJudge) after(has func(*flags.Release) bool) int {
	for i := j.now + 1; i < len(j.releases); i++ {
		if has(j.releases[i]) {
			return i
		}
	}
	return -1
}

// leaves tells, as the end of a sentence, that the next release has not any more what the one that is to run has; "" where it does.
func (j *flagJudge) leaves(has func(*flags.Release) bool) string {
	if next := j.now + 1; next < len(j.releases) && !has(j.releases[next]) {
		return "; " + j.name(next) + " does not have it any more"
	}
	return ""
}

// stage is a gate's, in words.
func stage(g flags.Gate) string {
	words := map[bool]string{true: "on", false: "off"}[g.On]
	switch g.Stage {
	case "ALPHA", "BETA":
		words = strings.ToLower(g.Stage) + " and " + words
	case "DEPRECATED":
		words = "deprecated and " + words
	default:
		words = g.Stage + " and " + words
	}
	if g.Locked {
		return words + " for good"
	}
	return words + " by default"
}

// releasesOf are the known releases of what program belongs to, oldest first, and which of them a cluster of that version of Kubernetes runs; -1 where
// that is not among them.
func releasesOf(program, kubernetes string) (all []*flags.Release, now int, err error) {
	if program == "etcd" {
		r, err := flags.Etcd()
		return []*flags.Release{r}, 0, err
	}
	if all, err = flags.Kubernetes(); err != nil {
		return nil, 0, err
	}
	return all, slices.IndexFunc(all, func(r *flags.Release) bool { return r.Version == kubernetes }), nil
}
