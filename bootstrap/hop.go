package bootstrap

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/version"

	"github.com/slipway/slipway/internal/spec"
)

// hop says why a cluster cannot go from one version of Kubernetes to another in one step, with what to do instead; "" where
// it can. Control planes may not skip a minor version, and go back only where the older knows the form of all that is stored. https://kubernetes.io/releases/version-skew-policy/
func hop(from, to string) string {
	was, err := version.ParseSemantic(from)
	if err != nil {
		return fmt.Sprintf("The version that was applied, %q, cannot be read: %v.", from, err)
	}
	now, err := version.ParseSemantic(to)
	if err != nil {
		return fmt.Sprintf("%q cannot be read: %v.", to, err)
	}
	switch {
	case now.Major() != was.Major() || now.Minor() > was.Minor()+1:
		next := "There is no bundle of the version between, so this cluster cannot go there."
		for _, v := range spec.SupportedKubernetes() {
			if s, err := version.ParseSemantic(v); err == nil && s.Major() == was.Major() && s.Minor() == was.Minor()+1 {
				next = fmt.Sprintf("Write kubernetes = %q first, apply, and then go on.", v)
			}
		}
		return fmt.Sprintf("A cluster goes up one minor version at a time: it runs %s, and the file says %s. %s", from, to, next)
	case now.LessThan(was):
		return fmt.Sprintf("The cluster runs %s, and an apply goes up only. Write kubernetes = %q; slipway rollback takes the last change of version back where what is stored by now allows it.", from, from)
	}
	return ""
}

// hopByHand is hop in the words of the verbs that are run on the machines.
func hopByHand(from, to string) error {
	known := spec.SupportedKubernetes()
	if !slices.Contains(known, to) {
		return &UpgradeError{fmt.Sprintf("there is no Kubernetes %s in this slipway, which knows %s", to, list(known)), "slipway upgrade plan shows what is possible from here"}
	}
	if hop(from, to) == "" {
		return nil
	}
	if older(to, from) {
		return &UpgradeError{fmt.Sprintf("the cluster runs %s, and does not go back to %s: what is stored may be in a form that the older does not know", from, to), "slipway upgrade plan shows what is possible from here"}
	}
	remedy := "there is no bundle of the version between, so this cluster cannot go there"
	for _, v := range known {
		if older(from, v) && hop(from, v) == "" {
			remedy = "slipway upgrade apply " + v + " first, on all machines, and then go on"
		}
	}
	return &UpgradeError{fmt.Sprintf("a cluster goes up one minor version at a time: it runs %s, and %s is too far", from, to), remedy}
}

// older reports whether a is an older version than b. What cannot be read is not older.
func older(a, b string) bool {
	was, err := version.ParseSemantic(a)
	if err != nil {
		return false
	}
	now, err := version.ParseSemantic(b)
	return err == nil && was.LessThan(now)
}

func list(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
