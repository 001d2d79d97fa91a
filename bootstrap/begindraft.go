package bootstrap

import (
	"cmp"
	"fmt"
	"os"
	"slices"

	"github.com/slipway/slipway/internal/bundle"
	"github.com/slipway/slipway/internal/spec"
)

// draftName stands for the file in errors about what flags have made of it.
const draftName = "flags"

// text is the cluster's file.
func (b Beginning) text() ([]byte, error) {
	if b.File != "" {
		c, err := spec.Read(b.File, spec.LoadOptions{NoSSH: true})
		if err != nil {
			return nil, err
		}
		if len(c.Nodes) != 1 || c.Nodes[0].Role != spec.ControlPlane {
			return nil, c.Refuse(spec.Objection{At: c.Places.Cluster, Summary: "Not one control plane",
				Detail: fmt.Sprintf("init begins a cluster with this machine alone, so the file must declare one node, a control plane, and it declares %d. The others join; or have slipway apply make them all over SSH.", len(c.Nodes))})
		}
		unknown, err := unknownFlags(c)
		if err != nil {
			return nil, err
		}
		if err := c.Refuse(unknown...); err != nil {
			return nil, err
		}
		return spec.Write(c), nil
	}
	c, err := b.cluster()
	if err != nil {
		return nil, err
	}
	return spec.Write(c), nil
}

func (b Beginning) cluster() (c *spec.Cluster, err error) {
	c = &spec.Cluster{
		Name: cmp.Or(b.Name, "kubernetes"), Kubernetes: b.Kubernetes,
		Network: spec.Network{Pods: b.Pods, Services: b.Services, Proxy: b.Proxy}, PKI: spec.PKI{ExtraSANs: b.ExtraSANs},
	}
	c.LoadBalancer.Kind = cmp.Or(b.LoadBalancer, spec.Direct)
	if b.Endpoint != "" {
		c.LoadBalancer.Kind = cmp.Or(b.LoadBalancer, spec.VIP)
		if c.Endpoint, c.EndpointName, err = spec.ParseEndpoint(b.Endpoint); err != nil {
			return nil, &FlagError{"endpoint", err}
		}
	}
	n := spec.Node{Name: b.Node, Role: spec.ControlPlane, Address: b.Address, Taints: []spec.Taint{}}
	if !b.Single {
		n.Taints = []spec.Taint{controlPlaneTaint}
	}
	if n, err = suggested(n, b.Endpoint); err != nil {
		return nil, err
	}
	c.Nodes = []spec.Node{n}
	if c.Kubernetes == "" {
		c.Kubernetes, err = versionAt(b.Bundle)
	}
	return c, err
}

// versionAt is the version of Kubernetes of the bundle at path; without a path, the newest of which there is a bundle
// where Slipway looks for them.
func versionAt(path string) (string, error) {
	if path != "" {
		b, err := bundle.Open(path)
		if err != nil {
			return "", err
		}
		return b.Manifest().Kubernetes, b.Close()
	}
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	for _, version := range slices.Backward(spec.SupportedKubernetes()) {
		if _, err = bundle.Find(".", self, version); err == nil {
			return version, nil
		}
	}
	return "", fmt.Errorf("no bundle was found: name one with --bundle (%w)", err)
}

// readDraft reads text as this machine's own cluster without keeping it.
func readDraft(text []byte, bundle string) (*spec.Cluster, error) {
	return readNamed(draftName, text, bundle)
}

// readPast reads the declaration in path, which may be of a version that this program does not make any more, as one of that version.
func readPast(path string, text []byte, kubernetes string) (*spec.Cluster, error) {
	return spec.Read("the declaration in "+path, spec.LoadOptions{NoSSH: true, Growing: true, Text: text, StateDir: ownState, Kubernetes: kubernetes, Past: true})
}

// readNamed is readDraft for a text that errors are to call by that name.
func readNamed(name string, text []byte, bundle string) (*spec.Cluster, error) {
	return spec.Read(name, spec.LoadOptions{NoSSH: true, Growing: true, Text: text, StateDir: ownState, Bundle: bundle})
}
