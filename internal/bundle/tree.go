package bundle

import (
	"archive/tar"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

// epoch is the time of every file in a bundle and its images, so that the same inputs give the same bytes.
var epoch = time.Unix(0, 0)

// tree is a file tree for an image layer: entries by clean relative path ("usr/local/bin/etcd").
// All belong to root. The directories above an entry need no mention.
type tree map[string]treeEntry

type treeEntry struct {
	mode fs.FileMode // type and permissions
	link string      // target of a symlink
	size int64
	open func() (io.ReadCloser, error) // contents of a regular file
}

func (t tree) dir(name string, perm fs.FileMode) { t[name] = treeEntry{mode: fs.ModeDir | perm} }

func (t tree) symlink(name, target string) {
	t[name] = treeEntry{mode: fs.ModeSymlink | 0o777, link: target}
}

func (t tree) text(name, content string) {
	t[name] = treeEntry{mode: 0o644, size: int64(len(content)), open: func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(content)), nil
	}}
}

// executable puts the file at src on this machine into t.
func (t tree) executable(name, src string) error {
	info, err := os.Stat(src)
	if err != nil {
		return err
	}
	t[name] = treeEntry{mode: 0o755, size: info.Size(), open: func() (io.ReadCloser, error) { return os.Open(src) }}
	return nil
}

// writeTo writes t as a tar archive whose bytes depend on nothing but t.
func (t tree) writeTo(w io.Writer) error {
	full := t.withParents()
	names := make([]string, 0, len(full))
	for name := range full {
		names = append(names, name)
	}
	slices.Sort(names)
	out := tar.NewWriter(w)
	for _, name := range names {
		if err := full[name].writeTo(out, name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return out.Close()
}

func (t tree) withParents() tree {
	full := tree{}
	for name, e := range t {
		full[name] = e
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			if _, ok := t[dir]; !ok {
				full[dir] = treeEntry{mode: fs.ModeDir | 0o755}
			}
		}
	}
	return full
}

func (e treeEntry) writeTo(out *tar.Writer, name string) error {
	header := &tar.Header{Name: name, Mode: int64(e.mode.Perm()), ModTime: epoch}
	if e.mode&fs.ModeSticky != 0 {
		header.Mode |= 0o1000
	}
	switch e.mode.Type() {
	case fs.ModeDir:
		header.Typeflag, header.Name = tar.TypeDir, name+"/"
	case fs.ModeSymlink:
		header.Typeflag, header.Linkname = tar.TypeSymlink, e.link
	default:
		header.Typeflag, header.Size = tar.TypeReg, e.size
	}
	if err := out.WriteHeader(header); err != nil || e.open == nil {
		return err
	}
	r, err := e.open()
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(out, r)
	return err
}

// readTar takes the tree out of a tar archive, which must stay open for as long as the tree is used.
// Hard links become files of their own; device nodes and set-uid bits are left out, and so is
// everything that drop says.
func readTar(f *os.File, drop func(name string) bool) (tree, error) {
	t, all := tree{}, tree{}
	tr := tar.NewReader(f)
	for {
		header, err := tr.Next()
		if err == io.EOF {
			return t, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", f.Name(), err)
		}
		name := strings.TrimPrefix(path.Clean("/"+header.Name), "/")
		e := treeEntry{mode: header.FileInfo().Mode() & (fs.ModeType | fs.ModePerm | fs.ModeSticky), size: header.Size}
		switch header.Typeflag {
		case tar.TypeReg:
			offset, err := f.Seek(0, io.SeekCurrent)
			if err != nil {
				return nil, err
			}
			e.open = func() (io.ReadCloser, error) {
				return io.NopCloser(io.NewSectionReader(f, offset, header.Size)), nil
			}
		case tar.TypeLink:
			target := strings.TrimPrefix(path.Clean("/"+header.Linkname), "/")
			e = all[target]
			if e.open == nil {
				return nil, fmt.Errorf("read %s: %s links to %s, which is not before it", f.Name(), name, target)
			}
		case tar.TypeSymlink:
			e = treeEntry{mode: fs.ModeSymlink | 0o777, link: header.Linkname}
		case tar.TypeDir:
		default: // device nodes: the runtime makes its own
			continue
		}
		all[name] = e
		if name != "" && !drop(name) {
			t[name] = e
		}
	}
}
