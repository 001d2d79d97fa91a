//go:build bench

package test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slipway/slipway/internal/bundle"
)

// pack writes what kubeadm's machines are sent: the same executables and images that slipway sends, and
// kubeadm. Executables are unpacked, as they are released: on a link this fast that is the quicker way.
func (b *bench) pack() error {
	names, err := b.kubeadmImages()
	if err != nil {
		return err
	}
	for _, role := range []string{"control-plane", "worker"} {
		if err := b.packRole(role, names); err != nil {
			return fmt.Errorf("pack for kubeadm's %s machines: %w", role, err)
		}
	}
	return nil
}

func (b *bench) packRole(role string, names map[string]string) error {
	out, err := os.Create(filepath.Join(b.payload, role+".tar"))
	if err != nil {
		return err
	}
	defer out.Close()
	archive := tar.NewWriter(out)
	binaries, images := b.bundle.Select(role)
	for _, binary := range binaries {
		if err := b.packBinary(archive, binary); err != nil {
			return err
		}
	}
	kubeadm, err := os.ReadFile(b.program)
	if err != nil {
		return err
	}
	if err := put(archive, "usr/local/bin/kubeadm", 0o755, kubeadm); err != nil {
		return err
	}
	for _, name := range []string{"kubelet", "kubectl"} {
		link := &tar.Header{Name: "usr/local/bin/" + name, Linkname: "kube", Typeflag: tar.TypeSymlink, Mode: 0o777}
		if err := archive.WriteHeader(link); err != nil {
			return err
		}
	}
	if role == "worker" { // which has no balancer here, nor is it sent one by slipway
		images = slices.DeleteFunc(slices.Clone(images), func(i bundle.Image) bool { return i.Name == "loadbalancer" })
	}
	layout, err := b.layout(images, names)
	if err != nil {
		return err
	}
	if err := put(archive, imagesPath[1:], 0o644, layout); err != nil {
		return err
	}
	return archive.Close() // the machine's own files follow: tar is told to read on
}

// imagesPath is where the images lie on a machine until they are imported.
const imagesPath = "/var/tmp/images.tar"

func (b *bench) packBinary(archive *tar.Writer, binary bundle.Binary) error {
	if strings.HasPrefix(binary.Name, "etcd") {
		return nil // etcdctl and etcdutl are slipway's extra
	}
	dir := "usr/local/bin/"
	if slices.Contains([]string{"bridge", "host-local", "loopback", "portmap"}, binary.Name) {
		dir = "opt/cni/bin/"
	}
	var content bytes.Buffer
	if err := b.bundle.WriteExecutable(&content, binary); err != nil {
		return fmt.Errorf("unpack %s: %w", binary.Name, err)
	}
	return put(archive, dir+binary.Name, 0o755, content.Bytes())
}
