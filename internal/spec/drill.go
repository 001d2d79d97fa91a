package spec

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/renameio/v2"
)

// drills are those that a file can allow.
func drills() []string {
	return []string{"upgrade", "watch", "leader-loss", "node-loss", "disk-full", "quorum-loss", "etcd-restore"}
}

func (d *draft) readDrill(s section) {
	items, _ := s.list("allow")
	for _, it := range items {
		if !slices.Contains(drills(), it.value) {
			d.errorf(it.at, "Unknown drill", "There is no drill %q: allow takes %s.%s", it.value, anyOf(drills()), suggest(it.value, drills()))
			continue
		}
		d.Drill.Allow = append(d.Drill.Allow, it.value)
	}
}

// Agree is nil when the file allows the drill, or whoever runs it named the cluster. Else it is an *Error with the remedy.
func (c *Cluster) Agree(drill, named string) error {
	if slices.Contains(c.Drill.Allow, drill) || named == c.Name {
		return nil
	}
	does := "puts load on"
	if drill != "upgrade" && drill != "watch" {
		does = "breaks"
	}
	o := Objection{At: c.Places.Cluster, Summary: "Drill not agreed to",
		Detail: fmt.Sprintf("This drill %s %q, and nobody should do so by mistake. If the cluster is there for it, write drill { allow = [%q] } into the file; to agree this once, name it: --agree %s.", does, c.Name, drill, c.Name)}
	if named != "" {
		o.Detail = fmt.Sprintf("--agree names %q, and the file's cluster is %q.", named, c.Name)
	}
	return c.Refuse(o)
}

// WriteVersion makes the file say that version, and leaves everything else in it as it is. It refuses where the version is not
// written out in the file.
func (c *Cluster) WriteVersion(to string) error {
	at := c.Places.Kubernetes
	text, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	if at.Filename != c.File || at.End.Byte > len(text) || at.Start.Byte > at.End.Byte {
		return fmt.Errorf("%s: the version is not where it was when the file was read", c.File)
	}
	was := text[at.Start.Byte:at.End.Byte]
	if !slices.ContainsFunc(SupportedKubernetes(), func(v string) bool { return bytes.Equal(was, []byte(`"`+v+`"`)) }) {
		return fmt.Errorf("%s line %d: kubernetes = %s is computed: change what it is made of, so that it becomes %q", c.File, at.Start.Line, was, to)
	}
	info, err := os.Stat(c.File)
	if err != nil {
		return err
	}
	path, err := filepath.EvalSymlinks(c.File)
	if err != nil {
		return err
	}
	out := slices.Concat(text[:at.Start.Byte], []byte(`"`+to+`"`), text[at.End.Byte:])
	return renameio.WriteFile(path, out, info.Mode().Perm())
}
