package components

import (
	"fmt"
	"path"
	"slices"

	"github.com/slipway/slipway/internal/layout"
	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/templates"
)

// containerd is the container runtime with runc and, where pods have a network of their own, the CNI plugins.
func (in *Input) containerd(n spec.Node) ([]node.Resource, error) {
	facts := in.Facts[n.Name]
	config, err := templates.Render("containerd.toml", map[string]any{
		"Pause":               in.ref("pause"),
		"RestrictOOMScoreAdj": !facts.CapResource,
		"SystemdCgroup":       systemdCgroup(facts),
	})
	if err != nil {
		return nil, err
	}
	score := -999
	if !facts.CapResource {
		score = 0 // lowering the score needs the capability
	}
	unit, err := templates.Render("containerd.service", map[string]any{"OOMScoreAdjust": score})
	if err != nil {
		return nil, err
	}
	var binaries []node.Resource
	for _, name := range []string{"containerd", "containerd-shim-runc-v2", "ctr", "runc"} {
		b, err := in.binary(name, layout.Programs+"/"+name)
		if err != nil {
			return nil, err
		}
		binaries = append(binaries, b)
	}
	inputs := append([]node.Resource{
		textFile(layout.ContainerdConf, 0o644, config),
		textFile(layout.Units+"/containerd.service", 0o644, unit),
	}, in.noOverrides(n, "containerd.service")...)
	out := append(binaries, dir("/etc/containerd/certs.d", 0o755))
	if n.Role != spec.LoadBalancer {
		plugins, err := in.cniPlugins()
		if err != nil {
			return nil, err
		}
		out = append(out, plugins...)
	}
	out = append(out, inputs...)
	// A new runc or shim serves the next container; only containerd itself needs the restart.
	restart := append(ids(inputs), binaries[0].ID())
	return append(out, node.Resource{Unit: &node.Unit{Name: "containerd.service", RestartOn: restart}}), nil
}

func (in *Input) cniPlugins() ([]node.Resource, error) {
	out := []node.Resource{dir(layout.PodNetworks, 0o755)}
	for _, name := range []string{"bridge", "host-local", "loopback", "portmap"} {
		b, err := in.binary(name, path.Join("/opt/cni/bin", name))
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

// systemdCgroup decides who makes cgroups: systemd where it owns a unified hierarchy, as upstream advises;
// cgroupfs under version 1 and where systemd is not in charge.
func systemdCgroup(f node.Facts) bool { return f.Cgroup == 2 && f.Systemd }

// earlyImages are those that the kubelet needs at once; itself it is in that of kube.
func (in *Input) earlyImages(n spec.Node) ([]node.Resource, error) {
	names := []string{"pause", "kube"}
	if in.holdsBalancer(n) {
		names = append(names, "loadbalancer")
	}
	switch n.Role {
	case spec.ControlPlane:
		names = append(names, "etcd")
	case spec.Worker:
		names = append(names, clusterImages()...)
	}
	return in.images(names)
}

// lateImages are those that a control plane needs only once there is an API. A worker has them before its
// kubelet starts: it may join a cluster that sends it pods in the same moment.
func (in *Input) lateImages(n spec.Node) ([]node.Resource, error) {
	if n.Role != spec.ControlPlane {
		return nil, nil
	}
	return in.images(clusterImages())
}

// clusterImages are what the cluster's own DaemonSets and Deployments run, on any node.
func clusterImages() []string { return []string{"coredns", "flannel", "kube-proxy", "metrics-server"} }

func (in *Input) images(names []string) ([]node.Resource, error) {
	var out []node.Resource
	for _, name := range slices.Sorted(slices.Values(names)) {
		image, ok := in.Payload.Images[name]
		if !ok {
			return nil, fmt.Errorf("the bundle holds no image %q: rebuild it with this version of slipway", name)
		}
		out = append(out, node.Resource{Image: &image})
	}
	return out, nil
}
