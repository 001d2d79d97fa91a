package bundle

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"

	"github.com/klauspost/compress/zstd"
	digest "github.com/opencontainers/go-digest"
)

// WriteExecutable writes the binary's own bytes, decompressed and out of its image, to w. They are not checked: Verify
// does that.
func (b *Bundle) WriteExecutable(w io.Writer, binary Binary) error {
	if binary.Image == "" {
		return b.decompress(binary.Blob.Digest, func(r io.Reader) error {
			_, err := io.Copy(w, r)
			return err
		})
	}
	image, err := b.manifest.holder(binary)
	if err != nil {
		return err
	}
	for _, layer := range slices.Backward(image.Blobs[1:]) {
		found := false
		err := b.decompress(layer.Digest, func(r io.Reader) (err error) {
			found, err = copyFile(w, tar.NewReader(r), binary.Path)
			return err
		})
		if err != nil || found {
			return err
		}
	}
	return fmt.Errorf("image %s holds no file %s", binary.Image, binary.Path)
}

// copyFile copies the file of that absolute path, if the archive holds it.
func copyFile(w io.Writer, files *tar.Reader, name string) (found bool, err error) {
	for {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if path.Join("/", header.Name) != name {
			continue
		}
		if header.Typeflag != tar.TypeReg || header.Mode != 0o755 || header.Uid != 0 || header.Gid != 0 {
			return true, fmt.Errorf("%s is no executable file of root's with mode 0755, as machines need it", name)
		}
		_, err = io.Copy(w, files)
		return true, err
	}
}

func (b *Bundle) decompress(d string, read func(io.Reader) error) error {
	packed, err := b.Blob(d)
	if err != nil {
		return err
	}
	r, err := zstd.NewReader(packed)
	if err != nil {
		return err
	}
	defer r.Close()
	return read(r)
}

// holder is the image that holds the binary. Every machine that receives the binary receives the image.
func (m Manifest) holder(binary Binary) (Image, error) {
	i := slices.IndexFunc(m.Images, func(i Image) bool { return i.Ref == binary.Image })
	if i < 0 {
		return Image{}, fmt.Errorf("binary %s is in image %s, which the bundle does not hold", binary.Name, binary.Image)
	}
	for _, role := range binary.Roles {
		if !slices.Contains(m.Images[i].Roles, role) {
			return Image{}, fmt.Errorf("binary %s is in image %s, which is not for %s machines as the binary is", binary.Name, binary.Image, role)
		}
	}
	return m.Images[i], nil
}

// verifyInImages checks the executables that are in images, whose blobs are known to be good.
func (b *Bundle) verifyInImages(ctx context.Context) error {
	var problems []error
	for _, binary := range b.manifest.Binaries {
		if binary.Image == "" {
			continue
		}
		hash := digest.SHA256.Digester()
		err := errors.Join(ctx.Err(), b.WriteExecutable(hash.Hash(), binary))
		if got := hash.Digest().Encoded(); err == nil && got != binary.SHA256 {
			err = fmt.Errorf("%s in image %s has sha256 %s, expected %s", binary.Path, binary.Image, got, binary.SHA256)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("binary %s: %w", binary.Name, err))
		}
	}
	return errors.Join(problems...)
}
