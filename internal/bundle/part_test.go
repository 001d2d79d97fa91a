package bundle

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const distroDir = "../../distro"

// modulesOf names the modules whose version is the part's. Parts that are all ours have none.
func modulesOf(part string) []string {
	switch part {
	case "kube":
		return []string{"k8s.io/kubernetes"}
	case "etcd":
		return []string{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/etcdctl/v3", "go.etcd.io/etcd/etcdutl/v3", "go.etcd.io/etcd/api/v3"}
	case "containerd", "containerd-shim-runc-v2", "ctr":
		return []string{"github.com/containerd/containerd/v2"}
	case "runc":
		return []string{"github.com/opencontainers/runc"}
	case "bridge", "host-local", "loopback", "portmap":
		return []string{"github.com/containernetworking/plugins"}
	case "flannel":
		return []string{"github.com/flannel-io/flannel"}
	case "coredns":
		return []string{"github.com/coredns/coredns"}
	case "metrics-server":
		return []string{"sigs.k8s.io/metrics-server"}
	}
	return nil
}

func TestPartsArePinnedByTheirModfiles(t *testing.T) {
	for _, version := range SupportedKubernetes() {
		parts, err := Parts(version)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range parts {
			t.Run(version+"/"+p.Name, func(t *testing.T) { checkPinned(t, p) })
		}
	}
}

func checkPinned(t *testing.T, p Part) {
	dir := filepath.Join(distroDir, p.Dir)
	modfile := p.Modfile
	if modfile == "" {
		modfile = "go.mod"
	}
	text, err := os.ReadFile(filepath.Join(dir, modfile))
	if err != nil {
		t.Fatal(err)
	}
	for _, module := range modulesOf(p.Name) {
		line := regexp.MustCompile(`(?m)^\s*(?:require )?` + regexp.QuoteMeta(module) + ` v(\S+)`)
		switch m := line.FindSubmatch(text); {
		case m == nil:
			t.Errorf("%s requires no %s", modfile, module)
		case string(m[1]) != p.Version:
			t.Errorf("%s requires %s v%s, the table says %s", modfile, module, m[1], p.Version)
		}
		sum, err := os.ReadFile(filepath.Join(dir, strings.TrimSuffix(modfile, ".mod")+".sum"))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(sum), module+" v"+p.Version+" h1:") {
			t.Errorf("no checksum of %s v%s", module, p.Version)
		}
	}
	if p.Package != "." && !strings.Contains(string(text), p.Package+"\n") {
		t.Errorf("%s has no tool line for %s", modfile, p.Package)
	}
	if p.Package == "." {
		if _, err := os.Stat(filepath.Join(dir, "main.go")); err != nil {
			t.Error(err)
		}
	}
}

// Each staging repository must be replaced by the release of the same commit, or code of two
// releases would be mixed.
func TestKubeReplacesStagingByTheSameRelease(t *testing.T) {
	replaced := regexp.MustCompile(`(?m)^\s*(k8s\.io/\S+) => (\S+) v(\S+)$`)
	for _, version := range SupportedKubernetes() {
		parts, err := Parts(version)
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(distroDir, "kube", parts[0].Modfile))
		if err != nil {
			t.Fatal(err)
		}
		lines := replaced.FindAllSubmatch(text, -1)
		if len(lines) < 30 {
			t.Errorf("%s replaces only %d modules", parts[0].Modfile, len(lines))
		}
		want := "0." + strings.TrimPrefix(version, "1.")
		for _, m := range lines {
			if string(m[1]) != string(m[2]) || string(m[3]) != want {
				t.Errorf("%s: %s is replaced by %s v%s, want itself at v%s", parts[0].Modfile, m[1], m[2], m[3], want)
			}
		}
	}
}

func TestPartNamesAndOutputsAreUnique(t *testing.T) {
	parts, err := Parts("1.36.3")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for _, p := range parts {
		for _, name := range append([]string{p.Output}, p.Links...) {
			if other := seen[name]; other != "" {
				t.Errorf("%s is made by %s and by %s", name, other, p.Name)
			}
			seen[name] = p.Name
		}
	}
}

func TestPartsOfUnsupportedVersion(t *testing.T) {
	for _, version := range []string{"1.36.2", "v1.36.3", "1.36", ""} {
		_, err := Parts(version)
		if err == nil {
			t.Errorf("Parts(%q) gave no error", version)
			continue
		}
		for _, supported := range SupportedKubernetes() {
			if !strings.Contains(err.Error(), supported) {
				t.Errorf("Parts(%q): the error does not offer %s: %v", version, supported, err)
			}
		}
	}
}

func TestPackageListsExist(t *testing.T) {
	for _, list := range []string{"loadbalancer", "kube-proxy"} {
		text, err := os.ReadFile(filepath.Join(distroDir, "debian", list+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		// A comment shows the command to try by hand; it must name the packages that the list names.
		names := regexp.MustCompile(`(?m)^[a-z0-9][a-z0-9+.-]+`).FindAllString(string(text), -1)
		if include := "--include=" + strings.Join(names, ","); !strings.Contains(string(text), include+" ") {
			t.Errorf("%s.txt lists %s, but its command does not say %s", list, names, include)
		}
	}
}
