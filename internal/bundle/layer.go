package bundle

import (
	"fmt"
	"os"
	"path"
	"strings"
)

// layer is the recipe of one image layer.
type layer struct {
	parts  []string          // names of parts, put into /usr/local/bin by all their names
	links  map[string]string // symlinks by path
	debian string            // name of a list of Debian packages, or ""
	users  []string          // NAME:NUMBER for /etc/passwd and /etc/group, beyond root and nobody
}

const (
	binDir = "usr/local/bin"
	// nobody's number is what Debian, and with it every Kubernetes image, gives it.
	passwd   = "root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\n"
	group    = "root:x:0:\nnogroup:x:65534:\n"
	nsswitch = "passwd: files\ngroup: files\nhosts: files dns\n" // without it Go asks DNS before /etc/hosts
)

// tree lays out l from what was made for it; root is the tar archive of l's Debian packages, or nil.
func (l layer) tree(parts map[string]madePart, root *os.File) (tree, error) {
	t := tree{}
	if root != nil {
		var err error
		if t, err = readTar(root, slim); err != nil {
			return nil, err
		}
	}
	users, groups := passwd, group
	for _, user := range l.users {
		name, id, _ := strings.Cut(user, ":")
		users += fmt.Sprintf("%s:x:%s:%s:%s:/nonexistent:/sbin/nologin\n", name, id, id, name)
		groups += fmt.Sprintf("%s:x:%s:\n", name, id)
	}
	t.text("etc/passwd", users)
	t.text("etc/group", groups)
	t.text("etc/nsswitch.conf", nsswitch)
	t.dir("tmp", 0o777|os.ModeSticky)
	t.dir("run", 0o755)
	for _, name := range l.parts {
		part, ok := parts[name]
		if !ok {
			return nil, fmt.Errorf("the distribution has no part %s", name)
		}
		if err := t.executable(path.Join(binDir, part.Output), part.path); err != nil {
			return nil, err
		}
		for _, link := range part.Links {
			t.symlink(path.Join(binDir, link), part.Output)
		}
	}
	for name, target := range l.links {
		t.symlink(name, target)
	}
	return t, nil
}
