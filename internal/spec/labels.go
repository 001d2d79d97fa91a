package spec

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/validate/content"
)

// labels reads the labels of a node. Those that Kubernetes or Slipway sets itself are refused:
// the two would overwrite each other for ever.
func (s section) labels(role Role) map[string]string {
	pairs, ok := s.pairs("labels")
	if !ok {
		return nil
	}
	if role == LoadBalancer && len(pairs) > 0 {
		s.errorf(s.at("labels"), "Labels on a load balancer", "A load-balancer node does not join the cluster, so it has no labels. Remove them.")
		return nil
	}
	out := map[string]string{}
	for _, p := range pairs {
		if wrong := content.IsLabelKey(p.key); len(wrong) > 0 {
			s.errorf(p.at, "Bad label", "The key %q is not one Kubernetes takes: %s.", p.key, brief(wrong[0]))
			continue
		}
		if wrong := content.IsLabelValue(p.value); len(wrong) > 0 {
			s.errorf(p.at, "Bad label", "The value %q of %q is not one Kubernetes takes: %s.", p.value, p.key, brief(wrong[0]))
			continue
		}
		if slices.Contains([]string{"kubernetes.io/hostname", "kubernetes.io/os", "kubernetes.io/arch", "node-role.kubernetes.io/control-plane"}, p.key) {
			s.errorf(p.at, "Reserved label", "%s is set by Kubernetes and Slipway themselves. Remove it, or use a key of your own.", p.key)
			continue
		}
		out[p.key] = p.value
	}
	return out
}

// taints reads taints as kubectl writes them: key=value:Effect or key:Effect. Nil means that
// nothing was said, which leaves a control plane its usual taint; an empty list takes that away.
func (s section) taints(role Role) []Taint {
	items, ok := s.list("taints")
	if !ok {
		return nil
	}
	if role == LoadBalancer && len(items) > 0 {
		s.errorf(s.at("taints"), "Taints on a load balancer", "A load-balancer node does not join the cluster, so it has no taints. Remove them.")
		return nil
	}
	out := []Taint{}
	for _, it := range items {
		t, wrong := parseTaint(it.value)
		if wrong == "" && slices.ContainsFunc(out, func(o Taint) bool { return o.Key == t.Key && o.Effect == t.Effect }) {
			wrong = "there is one of that key and effect already"
		}
		if wrong != "" {
			s.errorf(it.at, "Bad taint", "%q: %s Expected key=value:Effect or key:Effect, such as \"dedicated=gpu:NoSchedule\".", it.value, sentence(wrong))
			continue
		}
		out = append(out, t)
	}
	return out
}

// brief leaves out the examples and the pattern that Kubernetes adds to its rules.
func brief(rule string) string {
	text, _, _ := strings.Cut(rule, " (e.g.")
	return text
}

// ParseTaint reads a taint as it is written in a file: key=value:Effect or key:Effect.
func ParseTaint(text string) (Taint, error) {
	t, wrong := parseTaint(text)
	if wrong != "" {
		return t, fmt.Errorf("%q: %s Expected key=value:Effect or key:Effect, such as \"dedicated=gpu:NoSchedule\"", text, sentence(wrong))
	}
	return t, nil
}

func parseTaint(text string) (t Taint, wrong string) {
	effects := []string{"NoSchedule", "PreferNoSchedule", "NoExecute"}
	i := strings.LastIndexByte(text, ':')
	if i < 0 {
		return t, "it names no effect"
	}
	t.Key, t.Value, _ = strings.Cut(text[:i], "=")
	t.Effect = text[i+1:]
	if !slices.Contains(effects, t.Effect) {
		return t, "the effect must be " + anyOf(effects) + "." + suggest(t.Effect, effects)
	}
	if bad := content.IsLabelKey(t.Key); len(bad) > 0 {
		return t, "bad key: " + brief(bad[0])
	}
	if bad := content.IsLabelValue(t.Value); len(bad) > 0 {
		return t, "bad value: " + brief(bad[0])
	}
	if strings.HasPrefix(t.Key, "node.kubernetes.io/") {
		return t, "taints of node.kubernetes.io/ are set and removed by Kubernetes itself"
	}
	return t, ""
}
