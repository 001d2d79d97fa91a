package flags

import (
	"reflect"
	"slices"
	"testing"

	"github.com/slipway/slipway/internal/bundle"
	"github.com/slipway/slipway/internal/spec"
)

// TestEveryReleaseHasItsTable: a version that clusters may have is checked by the flags of just that version.
func TestEveryReleaseHasItsTable(t *testing.T) {
	releases, err := Kubernetes()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range releases {
		got = append(got, r.Version)
		for _, program := range []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet"} {
			if !r.Has(program, "v") || !r.Has(program, "feature-gates") || len(r.Names(program)) < 30 {
				t.Errorf("%s of %s: %q", program, r.Version, r.Names(program))
			}
		}
		if len(r.Gates) < 100 {
			t.Errorf("%d feature gates of %s", len(r.Gates), r.Version)
		}
		checkStages(t, r)
	}
	slices.Sort(got)
	if want := slices.Sorted(slices.Values(spec.SupportedKubernetes())); !slices.Equal(got, want) {
		t.Errorf("tables of %q, supported are %q: distro/README.md tells how to write one", got, want)
	}
	etcd, err := Etcd()
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range spec.SupportedKubernetes() {
		parts, err := bundle.Parts(v)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range parts {
			if p.Name == "etcd" && p.Version != etcd.Version {
				t.Errorf("the table is that of etcd %s, and clusters of %s run %s", etcd.Version, v, p.Version)
			}
		}
	}
	if !etcd.Has("etcd", "quota-backend-bytes") || etcd.Gates["TxnModeWriteWithSharedBuffer"] != (Gate{Stage: "BETA", On: true}) {
		t.Errorf("%+v", etcd)
	}
	checkStages(t, etcd)
}

func checkStages(t *testing.T, r *Release) {
	t.Helper()
	for name, g := range r.Gates {
		switch g.Stage {
		case "ALPHA", "BETA", "GA", "DEPRECATED":
		default:
			t.Errorf("feature gate %s of %s is %+v", name, r.Version, g)
		}
	}
}

func TestGate(t *testing.T) {
	for text, want := range map[string]Gate{
		"ALPHA off": {Stage: "ALPHA"}, "GA on locked": {"GA", true, true}, "DEPRECATED off locked": {"DEPRECATED", false, true},
	} {
		var got Gate
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	if err := new(Gate).UnmarshalText([]byte("ALPHA")); err == nil {
		t.Error("a gate that is neither on nor off was read")
	}
}

func TestSettings(t *testing.T) {
	got := Settings(" A=true, kube:B=false,,C ")
	if want := []Setting{{"A", "true"}, {"kube:B", "false"}, {"C", ""}}; !reflect.DeepEqual(got, want) {
		t.Errorf("%q", got)
	}
}
