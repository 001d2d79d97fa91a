package components

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/slipway/slipway/internal/flags"
	"github.com/slipway/slipway/internal/layout"
	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/spec"
)

func TestFlagsOfTheFile(t *testing.T) {
	in := Input{Cluster: &spec.Cluster{Flags: map[string]map[string]string{"kube-scheduler": {"v": "4", "profiling": "true", "a": "b=c"}}}}
	got := in.flagged([]string{"kube-scheduler", "--leader-elect=true", "--profiling=false"})
	if want := []string{"kube-scheduler", "--leader-elect=true", "--profiling=true", "--a=b=c", "--v=4"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := in.flagged([]string{"etcd", "--name=a"}); !slices.Equal(got, []string{"etcd", "--name=a"}) {
		t.Errorf("a component without flags in the file: %q", got)
	}
}

// TestWhatTheClusterGoesByIsReserved: the file cannot set a flag that holds a path, an address or a name of the cluster's.
func TestWhatTheClusterGoesByIsReserved(t *testing.T) {
	in := load(t, "vip")
	for _, n := range in.Cluster.ControlPlanes()[:1] {
		for _, command := range [][]string{in.apiserverCommand(n), in.etcdCommand(n)} {
			for _, arg := range command[1:] {
				name, value, _ := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
				if name == "audit-log-path" || !strings.ContainsAny(value, "/") && !strings.Contains(value, n.Address.String()) {
					continue
				}
				if !spec.ReservedFlag(command[0], name) {
					t.Errorf("%s --%s=%s can be set in the file", command[0], name, value)
				}
			}
		}
	}
}

// TestOwnFlagsAreKnown: every program takes the flags that Slipway gives it, in each version that it installs, and none of them is on its way out.
func TestOwnFlagsAreKnown(t *testing.T) {
	etcd, err := flags.Etcd()
	if err != nil {
		t.Fatal(err)
	}
	releases, err := flags.Kubernetes()
	if err != nil {
		t.Fatal(err)
	}
	each(t, func(t *testing.T, in *Input, n spec.Node) {
		lines := map[string][]string{"kubelet": append(in.kubeletArgs(n), "--config=")}
		for _, r := range in.state(t, n.Name) {
			for _, line := range commands(t, r) {
				lines[line[0]] = line[1:]
			}
		}
		if n.Role == spec.ControlPlane && len(lines) < 5 {
			t.Fatalf("only the command lines %q", lines)
		}
		for program, args := range lines {
			of := releases
			if program == "etcd" {
				of = []*flags.Release{etcd}
			}
			for _, r := range of {
				checkFlags(t, r, program, args)
			}
		}
	})
	for _, r := range releases {
		checkFlags(t, r, "kube-proxy", []string{"--config=", "--hostname-override="})
	}
}

// commands are those of a static pod's containers that are upstream's.
func commands(t *testing.T, r node.Resource) (out [][]string) {
	t.Helper()
	if r.File == nil || !strings.HasPrefix(r.File.Path, layout.Manifests) {
		return nil
	}
	var pod corev1.Pod
	if err := yaml.Unmarshal(r.File.Content, &pod); err != nil {
		t.Fatal(err)
	}
	for _, c := range pod.Spec.Containers {
		if slices.Contains([]string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"}, c.Name) {
			out = append(out, append(c.Command, c.Args...))
		}
	}
	return out
}

func checkFlags(t *testing.T, r *flags.Release, program string, args []string) {
	t.Helper()
	for _, arg := range args {
		name, value, _ := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
		if name == "feature-gates" {
			for _, s := range flags.Settings(value) {
				if _, known := r.Gates[s.Gate]; !known {
					t.Errorf("%s of release %s has no feature gate %s", program, r.Version, s.Gate)
				}
			}
		}
		if !r.Has(program, name) {
			t.Errorf("%s of release %s has no flag --%s", program, r.Version, name)
		}
		if said := r.Programs[program][name]; said != "" && !suffered(program, name) {
			t.Errorf("--%s of %s of release %s: %s", name, program, r.Version, said)
		}
	}
}

// suffered are old flags that have nothing yet to take their place: a scheduler without a file of its own settings is told by these.
func suffered(program, flag string) bool {
	return program == "kube-scheduler" && (flag == "kubeconfig" || flag == "profiling")
}
