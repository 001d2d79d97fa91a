package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	cliflag "k8s.io/component-base/cli/flag"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
	kubeletoptions "k8s.io/kubernetes/cmd/kubelet/app/options"
)

var update = flag.Bool("update", false, "write the table anew")

// TestTable: the flags and feature gates by which plans are checked are those of the programs that are compiled here. It is run for each
// minor version: go test -modfile=1.36.mod -run TestTable .
func TestTable(t *testing.T) {
	version := version(t, "k8s.io/kubernetes")
	path := fmt.Sprintf("../../internal/flags/kubernetes-%s.json", version[:strings.LastIndex(version, ".")])
	programs := map[string]map[string]string{}
	for name, set := range map[string]*pflag.FlagSet{
		"kube-controller-manager": controllermanager.NewControllerManagerCommand().Flags(), // first: that of 1.34 changes a gate's default, which it may only as long as no set has gates
		"kube-apiserver":          apiserver.NewAPIServerCommand().Flags(),
		"kube-scheduler":          scheduler.NewSchedulerCommand().Flags(),
		"kube-proxy":              proxy.NewProxyCommand().Flags(),
		"kubelet":                 kubeletFlags(t),
	} {
		programs[name] = map[string]string{}
		set.VisitAll(func(f *pflag.Flag) {
			if !strings.HasPrefix(f.Name, "test.") && f.Name != "update" { // kube-proxy takes in flags of this test, too
				programs[name][f.Name] = deprecation(f)
			}
		})
	}
	// All programs share one set of gates, which their packages and constructors have filled by now.
	gates := map[string]string{}
	for name, gate := range utilfeature.DefaultMutableFeatureGate.GetAll() {
		gates[string(name)] = stage(string(gate.PreRelease), gate.Default, gate.LockToDefault)
	}
	var got bytes.Buffer
	encoder := json.NewEncoder(&got)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(map[string]any{"version": version, "programs": programs, "gates": gates}); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		t.Fatalf("there is no table of Kubernetes %s: -update writes one", version)
	}
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%s is not what Kubernetes %s says: go test -modfile=… -run TestTable . -update writes it anew; then read what has changed", path, version)
	}
}

// kubeletFlags is put together as upstream does it inside the kubelet's command, which parses flags by itself.
// https://github.com/kubernetes/kubernetes/blob/v1.36.3/cmd/kubelet/app/server.go
func kubeletFlags(t *testing.T) *pflag.FlagSet {
	t.Helper()
	kubelet.NewKubeletCommand(context.Background()) // adds its feature gates
	set := pflag.NewFlagSet("kubelet", pflag.ContinueOnError)
	set.SetNormalizeFunc(cliflag.WordSepNormalizeFunc)
	config, err := kubeletoptions.NewKubeletConfiguration()
	if err != nil {
		t.Fatal(err)
	}
	kubeletoptions.NewKubeletFlags().AddFlags(set)
	kubeletoptions.AddKubeletConfigFlags(set, config)
	kubeletoptions.AddGlobalFlags(set)
	return set
}

// deprecation is what upstream says of an old flag: where it should, or in the flag's description. That may speak of old values, too.
func deprecation(f *pflag.Flag) string {
	text, usage := f.Deprecated, strings.ToLower(f.Usage)
	if text == "" && (strings.HasPrefix(usage, "deprecated") || strings.Contains(usage, "this flag is deprecated")) {
		text = f.Usage
	}
	return strings.Join(strings.Fields(text), " ")
}

// stage is a gate's as the table has it.
func stage(stage string, on, locked bool) string {
	if stage == "" {
		stage = "GA"
	}
	text := stage + map[bool]string{true: " on", false: " off"}[on]
	if locked {
		text += " locked"
	}
	return text
}

// version is that of a module in this program, without v.
func version(t *testing.T, module string) string {
	t.Helper()
	info, ok := debug.ReadBuildInfo()
	if !ok {
		t.Fatal("this test does not know what it was built from")
	}
	for _, m := range info.Deps {
		if m.Path == module {
			return strings.TrimPrefix(m.Version, "v")
		}
	}
	t.Fatalf("this test was built without %s", module)
	return ""
}
