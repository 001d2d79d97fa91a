package spec

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// LoadOptions is what Load takes beside the file.
type LoadOptions struct {
	// Vars are values of variables, as from --var name=value. They win over VarFiles, which win, the last
	// first, over SLIPWAY_VAR_name in the environment and over the variable's default.
	Vars map[string]string
	// VarFiles are paths of files of "name = value" lines (HCL, or JSON when the name ends in .json),
	// relative to the working directory.
	VarFiles []string
	// SupportedKubernetes are the versions that the file may ask for; nil for SupportedKubernetes().
	SupportedKubernetes []string
	// NoSSH leaves keys, known_hosts and password files unread, for work on the machine itself
	// (init, join), where the operator's files are not.
	NoSSH bool
	// Growing lets there be an even number of control planes: a cluster whose machines join one after the other has
	// two, or four, until the next has joined.
	Growing bool
	// Text, if not nil, is what the file holds; nothing is read from its path, which errors name.
	Text []byte
	// StateDir and Bundle, absolute paths, take the place of what the file says; "" for the file's.
	StateDir, Bundle string
	// Kubernetes, one of the supported, takes the place of the version that the file says; "" for the file's.
	Kubernetes string
	// Past lets the file be of a version that is not supported any more, if Kubernetes takes its place.
	Past bool
}

// SupportedKubernetes lists the versions that this program knows, oldest first.
func SupportedKubernetes() []string { return []string{"1.34.4", "1.35.4", "1.36.3"} }

// maxFile bounds every file that is read, which also bounds how deep the parser can nest.
const maxFile = 256 << 10

// Load reads the cluster declared in the HCL file at path. It reports every error that it finds, in the
// order of the file, and gives a Cluster only if there is none. The same inputs give an equal
// Cluster. It reads files and the environment and changes nothing; safe for concurrent use.
func Load(path string, opts LoadOptions) (*Cluster, hcl.Diagnostics) {
	l := newLoader(path, opts)
	c := l.load(path)
	diags := l.sorted()
	if diags.HasErrors() {
		return nil, diags
	}
	return c, diags
}

// Read is Load for a program that shows the errors to its user: the error is nil or an *Error,
// which knows the sources and prints with snippets.
func Read(path string, opts LoadOptions) (*Cluster, error) {
	l := newLoader(path, opts)
	c := l.load(path)
	if diags := l.sorted(); diags.HasErrors() {
		return nil, newError(diags, l.files)
	}
	return c, nil
}

// loader is one run of Load.
type loader struct {
	opts   LoadOptions
	dir    string // absolute, of the file: what paths in it are relative to
	files  map[string]*hcl.File
	order  map[string]int // of files, by first use
	diags  hcl.Diagnostics
	inputs inputs
	vars   map[string]cty.Value // unknown where an error has been reported
	locals map[string]cty.Value
	seen   map[string]string // secret files looked at: path and kind → what is wrong with it
	// partial is set when a node could not be read, so that counting nodes would only mislead.
	partial bool
}

func newLoader(path string, opts LoadOptions) *loader {
	if opts.SupportedKubernetes == nil {
		opts.SupportedKubernetes = SupportedKubernetes()
	}
	l := &loader{opts: opts, files: map[string]*hcl.File{}, order: map[string]int{}, seen: map[string]string{}}
	abs, err := filepath.Abs(path)
	if err != nil { // the working directory is gone
		abs = path
	}
	l.dir = filepath.Dir(abs)
	return l
}

func (l *loader) load(path string) *Cluster {
	body := l.parse(path)
	if body == nil {
		return nil
	}
	start := hcl.Range{Filename: path, Start: hcl.InitialPos, End: hcl.InitialPos}
	file := l.shape(body, fileType(), &block{defRange: start})
	l.readVariables(file)
	l.readLocals(file)
	return l.cluster(path, file)
}

// parse reads the main file. A file with a syntax error is not looked at further: what the parser
// made of the rest would only raise more errors of its own making.
func (l *loader) parse(path string) *hclsyntax.Body {
	src := l.opts.Text
	if src != nil {
		l.inputs.add("file", path, src)
	} else {
		var ok bool
		if src, ok = l.readSource(path, "Cluster file"); !ok {
			return nil
		}
	}
	l.addFile(path, &hcl.File{Bytes: src})
	if l.nested(src, path) {
		return nil
	}
	f, diags := hclsyntax.ParseConfig(src, path, hcl.InitialPos)
	l.addFile(path, &hcl.File{Bytes: src, Nav: nav(f)})
	if diags.HasErrors() {
		l.diags = append(l.diags, diags...)
		return nil
	}
	body := f.Body.(*hclsyntax.Body)
	if n := hugeNumber(body); n != nil {
		l.errorf(n.SrcRange, "Number out of range", "Nothing in a cluster is counted in numbers as large or as small as this.")
		return nil
	}
	return body
}

func nav(f *hcl.File) any {
	if f == nil {
		return nil
	}
	return f.Nav
}

// readSource reads a file given on the command line and records it as an input.
func (l *loader) readSource(path, what string) ([]byte, bool) {
	src, err := readLimited(path)
	if err != nil {
		l.addFile(path, &hcl.File{Bytes: []byte{}})
		at := hcl.Range{Filename: path, Start: hcl.InitialPos, End: hcl.InitialPos}
		l.errorf(at, what+" not readable", "%s: %s. %s", path, reason(err), readRemedy(err))
		return nil, false
	}
	l.inputs.add("file", path, src)
	return bytes.TrimPrefix(append([]byte{}, src...), []byte("\xef\xbb\xbf")), true
}

func readRemedy(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "Name the file with -f, or go to the folder that holds it; examples/ has files to start from."
	case errors.Is(err, fs.ErrPermission):
		return "Make it readable for your user."
	}
	return "Name a file of HCL, such as cluster.hcl."
}

func (l *loader) addFile(name string, f *hcl.File) {
	if _, known := l.order[name]; !known {
		l.order[name] = len(l.order)
	}
	l.files[name] = f
}

// readLimited reads a regular file of at most maxFile bytes: no device, no pipe, no endless stream.
func readLimited(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, errors.New("is a folder, not a file")
	case !info.Mode().IsRegular():
		return nil, errors.New("is not a regular file")
	case info.Size() > maxFile:
		return nil, errors.New("is larger than 256 KiB")
	}
	return os.ReadFile(path)
}

// reason strips the path from an error about it, since messages name the path as the user wrote it.
func reason(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}
