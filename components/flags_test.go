package components

import (
	"slices"
	"strings"
	"testing"

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
