package bundle

import (
	"strings"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/node"
)

func TestManifestPrint(t *testing.T) {
	shared := node.Blob{Digest: "sha256:1", Size: 40_000_000}
	m := Manifest{
		Digest: "sha256:0123", Format: FormatVersion, Kubernetes: "1.36.3", Arch: "amd64",
		Versions: map[string]string{"kube": "1.36.3", "etcd": "3.6.16", "haproxy": "2.6.12-1+deb12u4"},
		Binaries: []Binary{
			{Name: "kube", Roles: []string{controlPlane, worker}, Size: 139_000_000, Image: "slipway.local/kube:v1.36.3", Path: "/usr/local/bin/kube"},
			{Name: "containerd", Roles: []string{controlPlane, worker}, Size: 39_000_000, Blob: node.Blob{Digest: "sha256:2", Size: 13_000_000}},
			{Name: "etcdctl", Roles: []string{controlPlane}, Size: 60_000_000, Blob: node.Blob{Digest: "sha256:3", Size: 20_000_000}},
			{Name: "etcdutl", Roles: []string{controlPlane}, Size: 60_000_000, Blob: node.Blob{Digest: "sha256:3", Size: 20_000_000}},
		},
		Images: []Image{
			{Name: "kube", Ref: "slipway.local/kube:v1.36.3", Roles: []string{controlPlane},
				Manifest: node.Blob{Digest: "sha256:4", Size: 500}, Blobs: []node.Blob{{Digest: "sha256:5", Size: 500}, shared}},
			{Name: "kube-proxy", Ref: "slipway.local/kube-proxy:v1.36.3", Roles: []string{controlPlane, worker},
				Manifest: node.Blob{Digest: "sha256:6", Size: 500}, Blobs: []node.Blob{{Digest: "sha256:7", Size: 500}, shared, {Digest: "sha256:8", Size: 9_000_000}}},
		},
	}
	var out strings.Builder
	if err := m.Print(&out); err != nil {
		t.Fatal(err)
	}
	golden(t, "inspect.txt", out.String())
}

func TestReportPrint(t *testing.T) {
	r := Report{Path: "build/b.bundle", Digest: "sha256:0123", Size: 300_000_000, Took: 301 * time.Second,
		Parts: []Took{
			{"kube", "1.36.3", 139_000_000, 288 * time.Second, false},
			{"etcd", "3.6.16", 58_000_000, 12 * time.Millisecond, true},
		},
		Packages: []Took{{"loadbalancer", "", 130_000_000, 5 * time.Second, false}},
	}
	var out strings.Builder
	if err := r.Print(&out); err != nil {
		t.Fatal(err)
	}
	golden(t, "report.txt", out.String())
}
