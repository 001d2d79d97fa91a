package bootstrap

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	kubeletv1 "k8s.io/kubelet/config/v1beta1"
	"sigs.k8s.io/yaml"

	"github.com/slipway/slipway/internal/layout"
	"github.com/slipway/slipway/internal/plan"
	"github.com/slipway/slipway/internal/preflight"
)

// kubeletFlagFiles are where kubeadm and the owner give the kubelet flags of this one machine.
var kubeletFlagFiles = [...]string{layout.Kubelet + "/kubeadm-flags.env", "/etc/default/kubelet", "/etc/sysconfig/kubelet"}

// guardMachine refuses a machine whose running containers Slipway's kubelet and containerd would not find, and tells of flags
// that end.
func (r *Run) guardMachine(ctx context.Context, m *machine, p *plan.Plan) error {
	files, err := fetch(ctx, m, append([]string{layout.KubeletConfig, layout.ContainerdConf}, kubeletFlagFiles[:]...))
	if err != nil {
		return err
	}
	unfit := func(remedy, what string, args ...any) error {
		return &UnfitError{preflight.Finding{Node: m.node.Name, What: fmt.Sprintf(what, args...), Remedy: remedy}}
	}
	is, err := cgroupDriver(files[layout.KubeletConfig])
	if err != nil {
		return err
	}
	want, err := m.wantedDriver()
	if err != nil {
		return err
	}
	if is != want {
		return unfit("move it to the other driver first: drain it, change cgroupDriver in "+layout.KubeletConfig+" and SystemdCgroup in "+layout.ContainerdConf+", restart both and uncordon it",
			"its kubelet makes cgroups by %q, and Slipway's would by %q on such a machine: its pods could not be kept", is, want)
	}
	if other := otherRuntime(string(files[layout.ContainerdConf])); other != "" {
		return unfit("Slipway's containerd has runc only, and takes its data from "+layout.Containerd, "its containerd has %s (%s)", other, layout.ContainerdConf)
	}
	for _, path := range kubeletFlagFiles {
		for _, flag := range flagWords(string(files[path])) {
			name, _, _ := strings.Cut(flag, "=")
			switch {
			case name == "--root-dir":
				return unfit("move it to "+layout.Kubelet+" first", "its kubelet has %s (%s)", flag, path)
			case !slices.Contains([]string{"--container-runtime-endpoint", "--pod-infra-container-image", "--hostname-override", "--node-ip", "--node-labels", "--register-with-taints", "--cgroup-driver", "--bootstrap-kubeconfig", "--kubeconfig", "--config"}, name):
				p.Warnings = append(p.Warnings, m.node.Name+": the kubelet's "+flag+" ("+path+") ends: Slipway's has flags of its own")
			}
		}
	}
	return nil
}

func cgroupDriver(config []byte) (string, error) {
	var c kubeletv1.KubeletConfiguration
	if err := yaml.Unmarshal(config, &c); err != nil {
		return "", fmt.Errorf("%s: %w", layout.KubeletConfig, err)
	}
	if c.CgroupDriver == "" {
		return "cgroupfs", nil // the kubelet's default
	}
	return c.CgroupDriver, nil
}

// wantedDriver is what m's kubelet will use.
func (m *machine) wantedDriver() (string, error) {
	for _, res := range m.state.Resources {
		if res.File != nil && res.File.Path == layout.KubeletConfig {
			return cgroupDriver(res.File.Content)
		}
	}
	return "", fmt.Errorf("nothing is said of %s", layout.KubeletConfig)
}

// otherRuntime finds what containers could not be kept without: another runtime than runc, or data elsewhere.
func otherRuntime(config string) string {
	for _, line := range regexp.MustCompile(`(?m)^[^#\n]*\.runtimes\.['"]?([A-Za-z0-9_-]+)['"]?\]`).FindAllStringSubmatch(config, -1) {
		if line[1] != "runc" {
			return "the runtime " + line[1]
		}
	}
	if root := regexp.MustCompile(`(?m)^\s*root\s*=\s*['"]([^'"]*)['"]`).FindStringSubmatch(config); root != nil && root[1] != "" && root[1] != layout.Containerd {
		return "its data in " + root[1]
	}
	return ""
}

// flagWords are the flags in a file of shell variables.
func flagWords(text string) (out []string) {
	for _, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		for _, word := range strings.FieldsFunc(line, func(c rune) bool { return c == ' ' || c == '"' || c == '\'' || c == '\t' }) {
			if i := strings.Index(word, "--"); i >= 0 && (i == 0 || word[i-1] == '=') {
				out = append(out, word[i:])
			}
		}
	}
	return out
}
