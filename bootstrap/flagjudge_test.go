package bootstrap

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/flags"
	"github.com/slipway/slipway/internal/spec"
)

// releases are three that take flags and gates from each other.
func releases() []*flags.Release {
	of := func(version string, gates map[string]flags.Gate, taken ...string) *flags.Release {
		r := &flags.Release{Version: version, Programs: map[string]map[string]string{"kube-apiserver": {}}, Gates: gates}
		for i := 0; i < len(taken); i += 2 {
			r.Programs["kube-apiserver"][taken[i]] = taken[i+1]
		}
		return r
	}
	return []*flags.Release{
		of("1.1.0", map[string]flags.Gate{"Gone": {Stage: "GA", On: true, Locked: true}, "Young": {Stage: "ALPHA"}}, "feature-gates", "", "gone", "Use --here instead.", "went", ""),
		of("1.2.0", map[string]flags.Gate{"Young": {Stage: "BETA", On: true}, "Grown": {Stage: "GA", On: true, Locked: true}, "Old": {Stage: "DEPRECATED"}, "Leaves": {Stage: "ALPHA"}, "Ripens": {Stage: "BETA", On: true}},
			"feature-gates", "", "here", "", "emulated-version", "", "old", "Use --here instead.", "last", ""),
		of("1.3.0", map[string]flags.Gate{"Young": {Stage: "BETA", On: true}, "Grown": {Stage: "GA", On: true, Locked: true}, "Old": {Stage: "DEPRECATED"}, "Comes": {Stage: "ALPHA"}, "Ripens": {Stage: "GA", On: true, Locked: true}},
			"feature-gates", "", "here", "", "emulated-version", "", "comes", ""),
	}
}

func TestFlagJudge(t *testing.T) {
	const of = "kube-apiserver of Kubernetes 1.2.0 "
	for _, test := range []struct {
		flag, value string
		refused     bool
		want        []string
	}{
		{"here", "x", false, nil},
		{"old", "x", false, []string{`--old of kube-apiserver of Kubernetes 1.2.0 is deprecated: "Use --here instead."; Kubernetes 1.3.0 does not have it any more`}},
		{"last", "x", false, []string{"--last of kube-apiserver of Kubernetes 1.2.0 is about to go; Kubernetes 1.3.0 does not have it any more"}},
		{"gone", "x", true, []string{"Removed flag: " + of + `has no flag --gone any more. That of Kubernetes 1.1.0 had it. Remove it here, or write what has taken its place. Upstream's word there: "Use --here instead."`}},
		{"went", "x", true, []string{"Removed flag: " + of + "has no flag --went any more. That of Kubernetes 1.1.0 had it. Remove it here, or write what has taken its place."}},
		{"comes", "x", true, []string{"Flag of a later version: " + of + "has no flag --comes yet; that of Kubernetes 1.3.0 does. Remove it here until then."}},
		{"here-", "x", true, []string{"Unknown flag: " + of + `has no flag --here-. Did you mean "here"?`}},
		{"something-else", "x", true, []string{"Unknown flag: " + of + "has no flag --something-else."}},
		{"feature-gates", "Young=false,kube:Young=true, Grown=true", false, []string{"feature gate Grown of kube-apiserver of Kubernetes 1.2.0 is GA and on for good, and will be removed in a future release"}},
		{"feature-gates", "Old=true", false, []string{"feature gate Old of kube-apiserver of Kubernetes 1.2.0 is deprecated and off by default, and will be removed in a future release"}},
		{"feature-gates", "Leaves=true", false, []string{"feature gate Leaves of kube-apiserver of Kubernetes 1.2.0 is alpha and off by default; Kubernetes 1.3.0 does not have it any more"}},
		{"feature-gates", "Ripens=true", false, nil},
		{"feature-gates", "Ripens=false", false, []string{"feature gate Ripens of kube-apiserver of Kubernetes 1.2.0 is beta and on by default; in Kubernetes 1.3.0 it is GA and on for good"}},
		{"feature-gates", "Gone=true", true, []string{"Removed feature gate: " + of + "has no feature gate Gone any more. In Kubernetes 1.1.0 it was GA and on for good. Remove it here."}},
		{"feature-gates", "Comes=true", true, []string{"Feature gate of a later version: " + of + "has no feature gate Comes yet; that of Kubernetes 1.3.0 does. Remove it here until then."}},
		{"feature-gates", "Yong=true,Yung=true", true, []string{"Unknown feature gate: " + of + `has no feature gate Yong. Did you mean "Young"?`, "Unknown feature gate: " + of + `has no feature gate Yung. Did you mean "Young"?`}},
		{"feature-gates", "wardle:Young=true", true, []string{"Unknown feature gate: " + of + "has no feature gate wardle:Young."}},
		{"feature-gates", "Young=maybe", true, []string{`Bad feature gate: "maybe" is no value for the feature gate Young of kube-apiserver: expected true or false.`}},
		{"feature-gates", "Young", true, []string{`Bad feature gate: "" is no value for the feature gate Young of kube-apiserver: expected true or false.`}},
		{"feature-gates", "Grown=false", true, []string{"Locked feature gate: " + of + "cannot set the feature gate Grown to false: it is GA and on for good. Remove it here."}},
	} {
		j := flagJudge{program: "kube-apiserver", releases: releases(), now: 1}
		found := j.flag(test.flag)
		if test.flag == "feature-gates" {
			found = append(found, j.gates(map[string]string{test.flag: test.value})...)
		}
		var got []string
		for _, f := range found {
			if f.warning == test.refused {
				t.Errorf("--%s=%s: warning %t: %s", test.flag, test.value, f.warning, f.Detail)
			}
			if f.warning {
				got = append(got, f.Detail)
			} else {
				got = append(got, f.Summary+": "+f.Detail)
			}
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("--%s=%s: %s", test.flag, test.value, diff)
		}
	}
}

// TestEmulation: a server that behaves like an older one may set what is locked in its own version.
func TestEmulation(t *testing.T) {
	j := flagJudge{program: "kube-apiserver", releases: releases(), now: 1}
	for _, f := range j.gates(map[string]string{"feature-gates": "Grown=false", "emulated-version": "1.1"}) {
		if !f.warning {
			t.Errorf("%s: %s", f.Summary, f.Detail)
		}
	}
}

// TestRealGates: what 1.36 really removes, locks and brings is told at the file's line, and in 1.35 already.
func TestRealGates(t *testing.T) {
	c := &spec.Cluster{Kubernetes: "1.36.3", Flags: map[string]map[string]string{"kube-apiserver": {
		"feature-gates": "StructuredAuthorizationConfiguration=true,ImageVolume=false", "tls-curve-preferences": "X25519", "default-watch-cache-size": "200",
	}}}
	told := func() (out []string) {
		found, err := judgeFlags(c)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			out = append(out, strings.TrimPrefix(f.Summary+": "+f.Detail, ": "))
		}
		return out
	}
	const of = "kube-apiserver of Kubernetes 1.36.3 "
	watches := func(of string) string {
		return "--default-watch-cache-size of " + of + `is deprecated: "watch caches are sized automatically and this flag will be removed in a future version"`
	}
	want := []string{
		watches(of),
		"Removed feature gate: " + of + "has no feature gate StructuredAuthorizationConfiguration any more. In Kubernetes 1.35.4 it was GA and on for good. Remove it here.",
		"Locked feature gate: " + of + "cannot set the feature gate ImageVolume to false: it is GA and on for good. Remove it here.",
	}
	if diff := cmp.Diff(want, told()); diff != "" {
		t.Error(diff)
	}
	c.Kubernetes = "1.35.4"
	const was = "kube-apiserver of Kubernetes 1.35.4 "
	want = []string{
		watches(was),
		"feature gate StructuredAuthorizationConfiguration of " + was + "is GA and on for good, and will be removed in a future release; Kubernetes 1.36.3 does not have it any more",
		"feature gate ImageVolume of " + was + "is beta and on by default; in Kubernetes 1.36.3 it is GA and on for good",
		"Flag of a later version: " + was + "has no flag --tls-curve-preferences yet; that of Kubernetes 1.36.3 does. Remove it here until then.",
	}
	if diff := cmp.Diff(want, told()); diff != "" {
		t.Error(diff)
	}
}
