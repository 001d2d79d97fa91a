// Package bundle reads and builds the one file that holds everything a cluster of one Kubernetes
// version needs on its machines: binaries and OCI images, content-addressed.
//
// A bundle is an uncompressed tar archive: "manifest.json" first, then one entry
// "blobs/sha256/HEX" per blob, in order of digest. Blobs are compressed one by one (zstd), so that any
// one can be sent to a machine as it lies here.
package bundle

import "github.com/slipway/slipway/internal/node"

// FormatVersion is the version of the Manifest format.
const FormatVersion = 2

// Manifest says what a bundle holds.
type Manifest struct {
	// Digest is "sha256:…" of this manifest's compact JSON with an empty Digest: it stands for the
	// whole bundle, whose blobs the manifest names by digest.
	Digest     string            `json:"digest"`
	Format     int               `json:"format"`
	Kubernetes string            `json:"kubernetes"` // 1.36.3
	Arch       string            `json:"arch"`       // amd64
	Versions   map[string]string `json:"versions"`   // part → version: etcd 3.6.14, containerd 2.4.2, haproxy 2.6.12-1+deb12u2 …
	Binaries   []Binary          `json:"binaries"`
	Images     []Image           `json:"images"`
}

// Binary is one executable for the machine itself: a blob of its own, or a file in one of the bundle's images, so that
// it is sent and stored once. Roles "control-plane", "worker" and "load-balancer" say who receives it.
type Binary struct {
	Name   string    `json:"name"` // kube, containerd, containerd-shim-runc-v2, ctr, runc, bridge, host-local, loopback, portmap, etcdctl, etcdutl
	Roles  []string  `json:"roles"`
	Size   int64     `json:"size"`            // bytes of the executable
	SHA256 string    `json:"sha256"`          // hex, of the executable
	Blob   node.Blob `json:"blob,omitzero"`   // zstd of the executable; none where there is an Image
	Image  string    `json:"image,omitempty"` // Image.Ref of one that every role of this binary receives
	Path   string    `json:"path,omitempty"`  // absolute, in the image
}

// Image is one OCI image. Layers may be shared with other images of the bundle.
type Image struct {
	Name     string      `json:"name"` // kube, kube-proxy, etcd, pause, flannel, coredns, metrics-server, loadbalancer
	Ref      string      `json:"ref"`  // slipway.local/kube:v1.36.3
	Roles    []string    `json:"roles"`
	Manifest node.Blob   `json:"manifest"`
	Blobs    []node.Blob `json:"blobs"` // config first, then layers in order
}
