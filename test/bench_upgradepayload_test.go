//go:build bench

package test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/slipway/slipway/internal/bundle"
)

// newPath is where new executables lie on a machine until they are put in place.
const newPath = "/usr/local/lib/upgrade"

// pack writes what kubeadm's machines are sent: all of the old version, and what of the new one differs.
func (u *upgradeBench) pack() (err error) {
	if u.to.program, err = compileKubeadm(u.to.root, u.to.version); err != nil {
		return err
	}
	u.from.program = u.to.program
	if err := u.from.pack(); err != nil {
		return err
	}
	had, err := u.from.kubeadmImages()
	if err != nil {
		return err
	}
	names, err := u.to.kubeadmImages()
	if err != nil {
		return err
	}
	for _, role := range []string{"control-plane", "worker"} {
		if err := u.packNew(role, had, names); err != nil {
			return fmt.Errorf("pack the upgrade for kubeadm's %s machines: %w", role, err)
		}
	}
	return nil
}

// packNew packs for one role. Images that are the same under the same names are there already, as they are for slipway.
func (u *upgradeBench) packNew(role string, had, names map[string]string) error {
	out, err := os.Create(filepath.Join(u.to.payload, role+".tar"))
	if err != nil {
		return err
	}
	defer out.Close()
	archive := tar.NewWriter(out)
	oldBinaries, oldImages := u.from.bundle.Select(role)
	binaries, images := u.to.bundle.Select(role)
	for _, b := range binaries {
		if slices.ContainsFunc(oldBinaries, func(o bundle.Binary) bool { return o.Name == b.Name && o.SHA256 == b.SHA256 }) {
			continue
		}
		if b.Name != "kube" { // what would have to be started anew, and slipway would do
			return fmt.Errorf("%s differs between the bundles, and the procedure has no step for it", b.Name)
		}
		var content bytes.Buffer
		if err := u.to.bundle.WriteExecutable(&content, b); err != nil {
			return err
		}
		if err := put(archive, newPath[1:]+"/"+b.Name, 0o755, content.Bytes()); err != nil {
			return err
		}
	}
	images = slices.DeleteFunc(slices.Clone(images), func(i bundle.Image) bool {
		if role == "worker" && (i.Name == "loadbalancer" || i.Name == "kube") { // what no pod of theirs runs
			return true
		}
		return named(had, i.Name) == named(names, i.Name) && slices.ContainsFunc(oldImages, func(o bundle.Image) bool { return o.Manifest.Digest == i.Manifest.Digest })
	})
	layout, err := u.to.layout(images, names)
	if err != nil {
		return err
	}
	if err := put(archive, imagesPath[1:], 0o644, layout); err != nil {
		return err
	}
	return archive.Close()
}

// named are the names under which kubeadm looks for an image of the bundle.
func named(names map[string]string, image string) string {
	var out []string
	for theirs, ours := range names {
		if ours == image {
			out = append(out, theirs)
		}
	}
	slices.Sort(out)
	return fmt.Sprint(out)
}
