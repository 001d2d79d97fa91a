//go:build lab && linux

package node_test

import (
	"bytes"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/bundle"
	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/templates"
)

// openBundle opens the newest bundle that has been built.
func openBundle(t *testing.T) *bundle.Bundle {
	t.Helper()
	paths, err := filepath.Glob("../../build/slipway-*.bundle")
	if err != nil || len(paths) == 0 {
		t.Fatal("there is no bundle in build/: run `slipway bundle build` first")
	}
	b, err := bundle.Open(slices.Max(paths))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// runtimeState is containerd and all images of the bundle.
func runtimeState(t *testing.T, m bundle.Manifest) node.State {
	t.Helper()
	s := node.State{Version: node.StateVersion, Cluster: "one", Node: "n1"}
	for _, b := range m.Binaries {
		if slices.Contains([]string{"containerd", "containerd-shim-runc-v2", "ctr", "runc"}, b.Name) {
			s.Resources = append(s.Resources, b.Resource("/usr/local/bin/"+b.Name))
		}
	}
	render := func(name string, data map[string]any) string {
		text, err := templates.Render(name, data)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	var pause string
	for _, i := range m.Images {
		if i.Name == "pause" {
			pause = i.Ref
		}
	}
	s.Resources = append(s.Resources,
		text("/etc/containerd/config.toml", render("containerd.toml", map[string]any{"Pause": pause, "RestrictOOMScoreAdj": true, "SystemdCgroup": false})),
		text("/etc/systemd/system/containerd.service", render("containerd.service", map[string]any{"OOMScoreAdjust": 0})),
		node.Resource{Unit: &node.Unit{Name: "containerd.service", RestartOn: []string{"file /etc/containerd/config.toml", "binary /usr/local/bin/containerd"}}})
	for _, i := range m.Images {
		s.Resources = append(s.Resources, i.Resource())
	}
	for _, b := range m.Binaries {
		switch b.Name {
		case "kube":
			s.Resources = append(s.Resources, b.Resource(copied))
		case "etcdctl":
			s.Resources = append(s.Resources, b.Resource(linked))
		}
	}
	return s
}

// send sends what the changes need.
func (m *machine) send(b *bundle.Bundle, changes []node.Change) {
	m.t.Helper()
	var digests []string
	for _, c := range changes {
		for _, blob := range c.Blobs {
			if !slices.Contains(digests, blob.Digest) {
				digests = append(digests, blob.Digest)
			}
		}
	}
	var tar bytes.Buffer
	if err := b.WriteTar(&tar, digests, nil); err != nil {
		m.t.Fatal(err)
	}
	m.must(bytes.NewReader(tar.Bytes()), pushed, "node", "store")
}

const (
	ctr = "/usr/local/bin/ctr -n k8s.io "
	// Executables of images, on another mount than containerd's files and on the same.
	copied, linked = "/usr/local/bin/kube", "/var/lib/containerd/bin/etcdctl"
	// In the lab containerd's files have a mount of their own, and so blobs are received there.
	sent = "/var/lib/containerd/slipway-blobs/sha256/"
	held = "/var/lib/containerd/io.containerd.content.v1.content/blobs/sha256/"
)

// forget makes the machine one without containerd's data.
func (m *machine) forget() {
	m.t.Helper()
	m.sh("systemctl stop containerd; systemctl reset-failed containerd; rm -rf /usr/local/bin/containerd /var/lib/containerd/*")
}

// wholeImages checks that all images of s are there to stay, after a restart too, and nothing else is.
func (m *machine) wholeImages(s node.State) {
	m.t.Helper()
	m.sh("systemctl reset-failed containerd; systemctl restart containerd")
	m.sh(ctr + "images tag slipway.local/pause:v1.0.0 victim:1 && " + ctr + "images rm --sync victim:1") // collects garbage
	if left := m.diff(s); len(left) > 0 {
		m.t.Errorf("not there to stay: %v", left)
	}
	checked := m.sh(ctr + "images check")
	for _, r := range s.Resources {
		if r.Image == nil {
			continue
		}
		i := slices.IndexFunc(strings.Split(checked, "\n"), func(line string) bool {
			f := strings.Fields(line)
			return len(f) > 3 && f[0] == r.Image.Ref && f[3] == "complete" && f[len(f)-1] == "true"
		})
		if i < 0 {
			m.t.Errorf("%s is not whole:\n%s", r.Image.Ref, checked)
		}
	}
	if left := m.sh(ctr + "leases ls -q; " + ctr + "snapshots ls | grep extract || true; " + ctr + "content active | tail -n +2; find " + sent + " -type f"); left != "" {
		m.t.Errorf("left: %s", left)
	}
}

func testImages(t *testing.T, m *machine) {
	b := openBundle(t)
	s := runtimeState(t, b.Manifest())
	m.send(b, m.changes(s))
	killed := 0
	for range 10 { // while binaries are unpacked, containerd is started, images are imported
		if m.killed(s, 0.1+rand.Float64()*1.5) {
			killed++
		} else {
			m.forget() // the run was quicker than its killer
		}
		m.send(b, m.changes(s))
	}
	t.Logf("%d of 10 were killed before they were done", killed)
	m.converge(s)
	m.wholeImages(s)

	layer := b.Manifest().Images[0].Blobs[1].Digest[len("sha256:"):]
	m.forget()
	m.send(b, m.changes(s))
	m.sh("echo >" + sent + layer)
	if _, err := m.verb(s, "converge"); err == nil || !strings.Contains(err.Error(), "corrupt") {
		t.Errorf("with a corrupt layer: %v", err)
	}
	if got := m.sh("ls " + held); strings.Contains(got, layer) {
		t.Errorf("containerd was given a corrupt layer")
	}

	m.forget()
	m.send(b, m.changes(s))
	file := m.sh("stat -c %i " + sent + layer)
	start := time.Now()
	m.converge(s)
	t.Logf("converge of containerd and %d images: %v", len(b.Manifest().Images), time.Since(start).Round(time.Millisecond))
	if got := m.sh("stat -c '%i %h %a' " + held + layer); got != file+" 1 444" {
		t.Errorf("the layer was sent as file %s and is %s: not linked", file, got)
	}
	m.wholeImages(s)

	m.forget()
	content := strings.TrimSuffix(held, "blobs/sha256/")
	m.sh("mkdir -p " + content + "; mount --bind " + content + " " + content) // links do not reach there
	m.send(b, m.changes(s))
	m.converge(s)
	m.wholeImages(s)
	m.sh("systemctl stop containerd; umount " + content)
	m.converge(s)

	m.drift(s)

	victim := b.Manifest().Images[0].Ref
	m.sh(ctr + "images rm --sync " + victim)
	if got := m.diff(s); !cmp.Equal(got, []string{"create image " + victim}) {
		t.Errorf("without an image: %v", got)
	}
	if _, err := m.verb(s, "converge"); err == nil || !strings.Contains(err.Error(), "sent to this machine") {
		t.Errorf("without its blobs: %v", err)
	}
	m.send(b, m.changes(s))
	m.converge(s)

	m.sh(ctr + "images label " + victim + " io.cri-containerd.pinned=")
	if got := m.diff(s); !cmp.Equal(got, []string{"update image " + victim}) {
		t.Errorf("not pinned: %v", got)
	}
	m.send(b, m.changes(s))
	m.converge(s)

	m.sh("systemctl stop containerd")
	if got := m.diff(s); !cmp.Equal(got, []string{"start unit containerd.service"}) {
		t.Errorf("containerd down: %v", got)
	}
	m.converge(s)
	m.occupy(b.Manifest())
}

// drift changes executables that came out of images, and has them mended without anything being sent.
func (m *machine) drift(s node.State) {
	m.t.Helper()
	in := "/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/*/fs/usr/local/bin/etcd"
	if got := m.sh("stat -c %i " + linked + "; stat -c %i " + in); strings.Fields(got)[0] != strings.Fields(got)[1] {
		m.t.Errorf("%s is not the image's file: %s", linked, got)
	}
	sums := func() string {
		return m.sh("sha256sum " + linked + " " + copied + " " + in + "; stat -c %a " + linked + " " + in)
	}
	good := sums()
	for name, drift := range map[string]struct{ script, want string }{
		"changed in place, and so in the image": {"echo x >>" + linked, "update binary " + linked},
		"replaced":                              {"rm " + linked + "; cp /bin/true " + linked, "update binary " + linked},
		"deleted":                               {"rm " + linked, "create binary " + linked},
		"not executable, and so in the image":   {"chmod 600 " + linked, "update binary " + linked},
		"a changed copy":                        {"echo x >>" + copied, "update binary " + copied},
		"a deleted copy":                        {"rm " + copied, "create binary " + copied},
	} {
		m.sh(drift.script)
		if got := m.diff(s); !cmp.Equal(got, []string{drift.want}) {
			m.t.Errorf("%s: diff shows %v", name, got)
		}
		m.converge(s)
		if d := cmp.Diff(good, sums()); d != "" {
			m.t.Errorf("%s: %s", name, d)
		}
	}
	if got := m.sh("stat -c %i " + linked + "; stat -c %i " + in); strings.Fields(got)[0] != strings.Fields(got)[1] {
		m.t.Errorf("in the end %s is not the image's file: %s", linked, got)
	}
}

// occupy does to the machine what a kubelet with pods would.
func (m *machine) occupy(manifest bundle.Manifest) {
	m.t.Helper()
	for _, i := range manifest.Images {
		if i.Name != "pause" {
			continue
		}
		m.sh(ctr + "run --detach --cgroup /kubepods/pod1/c1 " + i.Ref + " c1")
	}
	m.sh(`mkdir -p /run/netns && touch /run/netns/cni-1234 && unshare --net=/run/netns/cni-1234 true
		ip link add cni0 type bridge; ip link add veth1 type veth peer name eth9; ip link set veth1 master cni0
		ip link add flannel.1 type vxlan id 1 dstport 8472
		nft add table ip kube-proxy; nft add table ip6 flannel-ipv6
		iptables -t nat -N KUBE-SERVICES; iptables -t nat -A PREROUTING -j KUBE-SERVICES
		ip addr add 10.80.0.100/32 dev lo
		mkdir -p /var/lib/kubelet/pods/a/volumes/b /var/lib/etcd/member /run/flannel /etc/cni/net.d /var/log/pods/x
		echo x >/var/lib/etcd/member/wal; echo x >/etc/cni/net.d/10-slipway.conflist; touch /run/xtables.lock
		mount -t tmpfs none /var/lib/kubelet/pods/a/volumes/b`)
	if out := m.sh("grep -c pause /sys/fs/cgroup/pids/kubepods/pod1/c1/cgroup.procs || cat /sys/fs/cgroup/pids/kubepods/pod1/c1/cgroup.procs"); out == "" {
		m.t.Error("the container does not run in its cgroup")
	}
}
