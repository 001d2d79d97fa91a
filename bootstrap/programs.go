package bootstrap

import (
	"fmt"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/slipway/slipway/internal/layout"
	"github.com/slipway/slipway/internal/plan"
)

// kubeletCommand is the file with the kubelet's command line.
const kubeletCommand = "file " + layout.Units + "/kubelet.service"

// programs sums up in p what its changes are to programs that run already: images, and flags by name. What changes alike on several machines is told
// once, for all of them.
func programs(p *plan.Plan) {
	p.Programs = nil
	add := func(node string, changed plan.Program) {
		if i := slices.IndexFunc(p.Programs, changed.Same); i >= 0 {
			p.Programs[i].Nodes = append(p.Programs[i].Nodes, node)
			return
		}
		changed.Nodes = []string{node}
		p.Programs = append(p.Programs, changed)
	}
	for _, n := range p.Nodes {
		kubelet := plan.Program{Name: "kubelet"}
		for _, c := range n.Changes {
			_, name, _ := strings.Cut(c.ID, " ")
			switch {
			case strings.HasPrefix(c.ID, "file "+layout.Manifests+"/"):
				for _, changed := range ofPods(strings.TrimSuffix(path.Base(name), ".yaml"), c.Before, c.After) {
					add(n.Name, changed)
				}
			case c.ID == kubeletCommand && c.Before != "":
				kubelet.Flags = compareFlags(strings.Fields(c.Before), strings.Fields(c.After))
			case c.ID == "binary "+layout.Programs+"/kube" && c.Before != "" && p.From != "":
				kubelet.From, kubelet.To = "kube:v"+p.From, "kube:v"+p.Kubernetes
			}
		}
		if kubelet.From != kubelet.To || len(kubelet.Flags) > 0 {
			add(n.Name, kubelet)
		}
	}
	for _, o := range p.Objects {
		if _, name, ok := strings.Cut(o.ID, "/"); ok {
			p.Programs = append(p.Programs, ofPods(name, o.Before, o.After)...)
		}
	}
}

// ofPods compares two texts of one Pod, or of what makes pods. Texts that are none, such as one that somebody has spoilt, tell nothing: then there is
// only their diff.
func ofPods(name, before, after string) (out []plan.Program) {
	was, now := containers(before), containers(after)
	for _, c := range now {
		i := slices.IndexFunc(was, func(o corev1.Container) bool { return o.Name == c.Name })
		if i < 0 {
			continue
		}
		of := plan.Program{Name: name}
		if len(now) > 1 {
			of.Name += "/" + c.Name
		}
		if was[i].Image != c.Image {
			of.From, of.To = was[i].Image, c.Image
		}
		of.Flags = compareFlags(append(was[i].Command, was[i].Args...), append(c.Command, c.Args...))
		if of.From != "" || len(of.Flags) > 0 {
			out = append(out, of)
		}
	}
	return out
}

// containers are those of a Pod, a DaemonSet or a Deployment.
func containers(text string) []corev1.Container {
	var o struct {
		Spec struct {
			corev1.PodSpec `json:",inline"`
			Template       corev1.PodTemplateSpec `json:"template"`
		} `json:"spec"`
	}
	if err := yaml.Unmarshal([]byte(text), &o); err != nil {
		return nil
	}
	return append(o.Spec.Containers, o.Spec.Template.Spec.Containers...)
}

// compareFlags tells which flags of a command line are others, new or gone, in the order of their names.
func compareFlags(before, after []string) (out []plan.Flag) {
	was, now := map[string]string{}, map[string]string{}
	var names []string
	read := func(args []string, into map[string]string) {
		for _, arg := range args {
			name, value, _ := strings.Cut(arg, "=")
			if !strings.HasPrefix(name, "--") {
				continue
			}
			if into[name] != "" { // a flag may be given more than once
				value = fmt.Sprintf("%s, %s", strings.TrimPrefix(into[name], name+"="), value)
			}
			into[name] = strings.TrimSuffix(name+"="+value, "=")
			names = append(names, name)
		}
	}
	read(before, was)
	read(after, now)
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if was[name] != now[name] {
			out = append(out, plan.Flag{Name: strings.TrimPrefix(name, "--"), Before: was[name], After: now[name]})
		}
	}
	return out
}
