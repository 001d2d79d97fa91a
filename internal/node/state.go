// Package node makes one machine what a State says: Diff tells what differs, Converge mends it.
// It runs on the machine, as root, inside the pushed slipway binary.
package node

// StateVersion is the version of the State format that this binary reads and writes.
const StateVersion = 1

// State is everything Slipway wants of one machine. Resources are converged in order.
type State struct {
	Version   int        `json:"version"`
	Cluster   string     `json:"cluster"` // id of the cluster (hash of its CA); guards against two clusters on one machine
	Node      string     `json:"node"`    // declared name
	Resources []Resource `json:"resources"`
	Part      bool       `json:"part,omitempty"` // not everything: what else is Slipway's on the machine stays as it is
	// TakeOver is a State of a machine that was a node of this very cluster when kubeadm made it, until all is taken over: what was there
	// is the cluster's, is copied to KeptDir before the first of it is replaced, and goes when the cluster does.
	TakeOver bool `json:"takeOver,omitempty"`
	// Spared are images, by resource ID, that are no longer wanted and stay all the same until Settle: the cluster's own pods run
	// from them until all of its machines have the next ones.
	Spared []string `json:"spared,omitempty"`
}

// Resource is exactly one of its fields.
type Resource struct {
	Dir    *Dir    `json:"dir,omitempty"`
	File   *File   `json:"file,omitempty"`
	Binary *Binary `json:"binary,omitempty"`
	Image  *Image  `json:"image,omitempty"`
	Unit   *Unit   `json:"unit,omitempty"`
	Sysctl *Sysctl `json:"sysctl,omitempty"`
	Module *Module `json:"module,omitempty"`
	Swap   *Swap   `json:"swap,omitempty"`
}

// Dir is a directory that must exist with this mode and owner.
type Dir struct {
	Path string `json:"path"`
	Mode uint32 `json:"mode"` // permission bits
	User int    `json:"user,omitempty"`
}

// File is a file with exactly this content. Content of a Secret shows as a hash everywhere.
type File struct {
	Path    string `json:"path"`
	Mode    uint32 `json:"mode"`
	User    int    `json:"user,omitempty"` // numeric owner and group
	Content []byte `json:"content"`
	Secret  bool   `json:"secret,omitempty"`
}

// Blob is one content-addressed part of a bundle.
type Blob struct {
	Digest    string `json:"digest"` // "sha256:…" of the bytes as stored and sent
	Size      int64  `json:"size"`   // bytes as stored and sent
	MediaType string `json:"mediaType,omitempty"`
}

// Binary is an executable, sent as a zstd-compressed blob, or found in an image that is a resource before it.
type Binary struct {
	Path   string     `json:"path"`
	Mode   uint32     `json:"mode"`   // found in an image, the file's mode there: they may be one file
	SHA256 string     `json:"sha256"` // hex, of the executable itself
	Size   int64      `json:"size"`   // bytes of the executable itself
	Blob   Blob       `json:"blob,omitzero"`
	In     *ImageFile `json:"in,omitempty"` // nil where there is a Blob
}

// ImageFile is a file in an image.
type ImageFile struct {
	Ref  string `json:"ref"`
	Path string `json:"path"` // absolute, in the image; no part of it is a link
}

// Image is an OCI image that containerd (namespace k8s.io) must hold and have unpacked.
type Image struct {
	Ref      string `json:"ref"`
	Manifest Blob   `json:"manifest"`
	Blobs    []Blob `json:"blobs"` // config and layers
}

// Unit is a systemd unit whose file is a File resource before it. It is restarted once when a
// resource named in RestartOn (by ID) differs from what it was last started with.
type Unit struct {
	Name      string   `json:"name"`
	RestartOn []string `json:"restartOn,omitempty"`
}

// Sysctl is a kernel parameter, set now and kept over reboots.
// Optional ones that the machine lacks or that are read-only there are left alone.
type Sysctl struct {
	Key      string `json:"key"` // net.ipv4.ip_forward
	Value    string `json:"value"`
	Optional bool   `json:"optional,omitempty"`
}

// Module is a kernel module, loaded now and on boot. Built-in counts as loaded.
type Module struct {
	Name string `json:"name"`
}

// Swap off: swapped off now and commented out of /etc/fstab.
type Swap struct{}

// ID names the resource in changes and events: "file /etc/hosts", "unit kubelet.service".
func (r Resource) ID() string {
	switch {
	case r.Dir != nil:
		return "dir " + r.Dir.Path
	case r.File != nil:
		return "file " + r.File.Path
	case r.Binary != nil:
		return "binary " + r.Binary.Path
	case r.Image != nil:
		return "image " + r.Image.Ref
	case r.Unit != nil:
		return "unit " + r.Unit.Name
	case r.Sysctl != nil:
		return "sysctl " + r.Sysctl.Key
	case r.Module != nil:
		return "module " + r.Module.Name
	case r.Swap != nil:
		return "swap"
	}
	return "empty"
}

// Blobs lists what must be sent to the machine to make r.
func (r Resource) Blobs() []Blob {
	switch {
	case r.Binary != nil && r.Binary.In == nil:
		return []Blob{r.Binary.Blob}
	case r.Image != nil:
		return append([]Blob{r.Image.Manifest}, r.Image.Blobs...)
	}
	return nil
}
