package bundle

import (
	"fmt"
	"slices"
	"strings"
)

// Part is one executable of the distribution and how it is compiled. It stands for:
//
//	cd distro/<Dir>
//	CGO_ENABLED=0|1 GOFLAGS=-buildvcs=false go build -trimpath [-modfile=<Modfile>] \
//	    -tags <Tags, by commas> -ldflags "-s -w <LDFlags, by spaces>" -o <Output> <Package>
//
// The same Part, Go release and (with CGO) C toolchain give the same bytes.
type Part struct {
	Name    string   // unique: kube, etcd, containerd, bridge …
	Version string   // as released, without a v: 1.36.3
	Dir     string   // below distro/
	Modfile string   // below Dir; empty for go.mod
	Package string   // what go build is given: "." or an import path
	Tags    []string // build tags
	CGO     bool     // whether a C compiler takes part
	LDFlags []string // each one whole linker flag: "-X path=value"
	Output  string   // file name of the executable
	Links   []string // names by which the executable, being many programs, is also called
}

// Versions of the parts that do not depend on Kubernetes' own. The modfiles pin the same ones; a
// test holds the two together.
const (
	etcdVersion          = "3.6.16"
	containerdVersion    = "2.4.2"
	runcVersion          = "1.5.2"
	cniVersion           = "1.9.1"
	flannelVersion       = "0.28.10"
	corednsVersion       = "1.15.0"
	metricsServerVersion = "0.9.0"
	pauseVersion         = "1.0.0"
)

// SupportedKubernetes lists the versions of Kubernetes that Parts knows, oldest first.
func SupportedKubernetes() []string {
	var versions []string
	for _, r := range releases() {
		versions = append(versions, r.version)
	}
	return versions
}

// Parts lists what runs on the machines of a cluster of one Kubernetes version, "1.36.3", in a
// fixed order. For any version that is not supported exactly, the error lists those that are.
func Parts(kubernetes string) ([]Part, error) {
	all := releases()
	i := slices.IndexFunc(all, func(r release) bool { return r.version == kubernetes })
	if i < 0 {
		return nil, fmt.Errorf("kubernetes version %q is not supported: choose one of %s",
			kubernetes, strings.Join(SupportedKubernetes(), ", "))
	}
	parts := []Part{
		kubePart(all[i]),
		{Name: "etcd", Version: etcdVersion, Dir: "etcd", Package: ".", Output: "etcd",
			Links: []string{"etcdctl", "etcdutl"}},
	}
	parts = append(parts, containerdParts()...)
	parts = append(parts, runcPart())
	parts = append(parts, cniParts()...)
	return append(parts, addonParts()...), nil
}

// release is a Kubernetes version and when it was made, which its programs print as their build
// date: a fixed one, or no two builds would be alike.
type release struct {
	version string
	date    string
}

func releases() []release {
	return []release{
		{"1.34.4", "2026-02-10T12:53:36Z"},
		{"1.35.4", "2026-04-15T18:01:22Z"},
		{"1.36.3", "2026-07-22T18:07:38Z"},
	}
}

// kubePart sets the version variables as upstream's hack/lib/version.sh does. A Go module does not
// name its commit, so gitCommit stays empty and the tree state says where the source came from.
func kubePart(r release) Part {
	fields := strings.Split(r.version, ".")
	minor := fields[0] + "." + fields[1]
	var flags []string
	for _, pkg := range []string{"k8s.io/client-go/pkg/version", "k8s.io/component-base/version"} {
		flags = append(flags,
			"-X "+pkg+".gitVersion=v"+r.version,
			"-X "+pkg+".gitMajor="+fields[0],
			"-X "+pkg+".gitMinor="+fields[1],
			"-X "+pkg+".gitCommit=",
			"-X "+pkg+".gitTreeState=archive",
			"-X "+pkg+".buildDate="+r.date,
		)
	}
	return Part{
		Name: "kube", Version: r.version, Dir: "kube", Modfile: minor + ".mod", Package: ".",
		LDFlags: flags, Output: "kube",
		Links: []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet", "kubectl"},
	}
}

func containerdParts() []Part {
	const module = "github.com/containerd/containerd/v2"
	var parts []Part
	for _, name := range []string{"containerd", "containerd-shim-runc-v2", "ctr"} {
		parts = append(parts, Part{
			Name: name, Version: containerdVersion, Dir: "containerd", Package: module + "/cmd/" + name,
			Tags:    []string{"urfave_cli_no_docs"},
			LDFlags: []string{"-X " + module + "/version.Version=v" + containerdVersion},
			Output:  name,
		})
	}
	return parts
}

// runcPart needs C for the code that enters namespaces before Go's runtime starts, and links
// libseccomp in: without it no pod with a seccomp profile can start.
func runcPart() Part {
	return Part{
		Name: "runc", Version: runcVersion, Dir: "runc", Package: "github.com/opencontainers/runc",
		Tags: []string{"seccomp", "netgo", "osusergo"}, CGO: true,
		LDFlags: []string{"-extldflags -static"}, Output: "runc",
	}
}

func cniParts() []Part {
	const module = "github.com/containernetworking/plugins"
	var parts []Part
	for _, path := range []string{"main/bridge", "ipam/host-local", "main/loopback", "meta/portmap"} {
		name := path[strings.Index(path, "/")+1:]
		parts = append(parts, Part{
			Name: name, Version: cniVersion, Dir: "cni", Package: module + "/plugins/" + path,
			LDFlags: []string{"-X " + module + "/pkg/utils/buildversion.BuildVersion=v" + cniVersion},
			Output:  name,
		})
	}
	return parts
}

func addonParts() []Part {
	return []Part{
		{Name: "flannel", Version: flannelVersion, Dir: "flannel", Package: ".", Output: "flannel",
			LDFlags: []string{"-X main.version=v" + flannelVersion}},
		{Name: "coredns", Version: corednsVersion, Dir: "coredns",
			Package: "github.com/coredns/coredns", Output: "coredns"},
		{Name: "metrics-server", Version: metricsServerVersion, Dir: "metrics-server",
			Package: "sigs.k8s.io/metrics-server/cmd/metrics-server",
			// Upstream's own Makefile uses client-go's variables for its version.
			LDFlags: []string{"-X k8s.io/client-go/pkg/version.gitVersion=v" + metricsServerVersion},
			Output:  "metrics-server"},
		{Name: "pause", Version: pauseVersion, Dir: "pause", Package: ".", Output: "pause",
			LDFlags: []string{"-X main.version=" + pauseVersion}},
	}
}
