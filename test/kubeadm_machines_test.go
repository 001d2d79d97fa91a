//go:build lab

package test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/bundle"
)

// Units and settings as the packages of containerd, kubelet and kubeadm bring them, and as people are told to write them.
var kubeadmFiles = map[string]string{
	"usr/lib/systemd/system/kubelet.service": `[Unit]
Description=kubelet: The Kubernetes Node Agent
Wants=network-online.target
After=network-online.target

[Service]
ExecStart=/usr/bin/kubelet
Restart=always
StartLimitInterval=0
RestartSec=10

[Install]
WantedBy=multi-user.target
`,
	"usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf": `# Note: This dropin only works with kubeadm and kubelet v1.11+
[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/default/kubelet
ExecStart=
ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
`,
	"usr/lib/systemd/system/containerd.service": `[Unit]
Description=containerd container runtime
After=network.target local-fs.target

[Service]
ExecStart=/usr/bin/containerd
Type=notify
Delegate=yes
KillMode=process
Restart=always
RestartSec=5
LimitNPROC=infinity
LimitCORE=infinity
TasksMax=infinity

[Install]
WantedBy=multi-user.target
`,
	"etc/containerd/config.toml": `version = 3
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = "PAUSE"
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true # the lab's machines may not lower it
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = 'io.containerd.runc.v2'
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
  SystemdCgroup = false
`,
	"etc/sysctl.d/k8s.conf": "net.ipv4.ip_forward = 1\nnet.bridge.bridge-nf-call-iptables = 1\n",
}

// kubeadmPayload is what is installed on each machine before kubeadm runs, as a tar archive: the programs of the bundle, as
// packages would bring them, and its images under kubeadm's names.
func kubeadmPayload(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	opened, err := bundle.Open(filepath.Join(root, "build", "slipway-"+kubernetesVersion()+"-amd64.bundle"))
	if err != nil {
		t.Fatalf("%v: run it through make, which builds the bundle", err)
	}
	defer opened.Close()
	if err := os.MkdirAll(filepath.Join(root, "build", "bench"), 0o755); err != nil {
		t.Fatal(err)
	}
	b := &bench{root: root, version: kubernetesVersion(), bundle: opened, payload: t.TempDir()}
	if b.program, err = compileKubeadm(root, b.version); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(b.payload, "payload.tar")
	if err := b.packPackages(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func (b *bench) packPackages(path string) error {
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	defer out.Close()
	archive := tar.NewWriter(out)
	binaries, images := b.bundle.Select("control-plane")
	for _, binary := range binaries {
		dir := "usr/bin/"
		switch {
		case strings.HasPrefix(binary.Name, "etcd"):
			continue
		case slices.Contains([]string{"bridge", "host-local", "loopback", "portmap"}, binary.Name):
			dir = "opt/cni/bin/"
		}
		var content bytes.Buffer
		if err := b.bundle.WriteExecutable(&content, binary); err != nil {
			return err
		}
		if err := put(archive, dir+binary.Name, 0o755, content.Bytes()); err != nil {
			return err
		}
	}
	kubeadm, err := os.ReadFile(b.program)
	if err != nil {
		return err
	}
	if err := put(archive, "usr/bin/kubeadm", 0o755, kubeadm); err != nil {
		return err
	}
	for _, name := range []string{"kubelet", "kubectl"} {
		if err := archive.WriteHeader(&tar.Header{Name: "usr/bin/" + name, Linkname: "kube", Typeflag: tar.TypeSymlink, Mode: 0o777}); err != nil {
			return err
		}
	}
	names, err := b.kubeadmImages()
	if err != nil {
		return err
	}
	for name, text := range kubeadmFiles {
		for theirs, ours := range names {
			if ours == "pause" {
				text = strings.ReplaceAll(text, "PAUSE", theirs)
			}
		}
		if err := put(archive, name, 0o644, []byte(text)); err != nil {
			return err
		}
	}
	layout, err := b.layout(images, names)
	if err != nil {
		return err
	}
	if err := put(archive, "opt/images.tar", 0o644, layout); err != nil {
		return err
	}
	return archive.Close()
}

// parallel does the same for all machines at once.
func (c *cluster) parallel(machines []string, do func(machine string) error) {
	c.t.Helper()
	failures := make([]error, len(machines))
	var all sync.WaitGroup
	for i, m := range machines {
		all.Go(func() { failures[i] = do(m) })
	}
	all.Wait()
	for i, err := range failures {
		if err != nil {
			c.t.Fatalf("%s: %v", machines[i], err)
		}
	}
}

// script runs a shell script on a machine, also from another goroutine than the test's.
func (c *cluster) script(machine, script string) (string, error) {
	cmd := exec.Command(c.binary, "lab", "exec", "--name", c.name, "--dir", c.labDir(), machine, "--", "bash", "-ec", script)
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, out[max(0, len(out)-3000):])
	}
	return string(out), err
}

// installKubeadm brings machines to where kubeadm is run on them.
func (c *cluster) installKubeadm(payload string, machines []string) {
	c.t.Helper()
	c.parallel(machines, func(m string) error {
		if out, err := exec.Command("tar", "-C", filepath.Join(c.labDir(), "machines", m, "root"), "--no-same-owner", "--keep-directory-symlink", "-xf", payload).CombinedOutput(); err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
		_, err := c.script(m, `sysctl -q -p /etc/sysctl.d/k8s.conf; swapoff -a; systemctl daemon-reload; systemctl enable -q --now containerd; systemctl enable -q kubelet
ctr -n k8s.io images import --label io.cri-containerd.pinned=pinned /opt/images.tar >/dev/null; rm /opt/images.tar`)
		return err
	})
}

// balance is an external balancer on the operator's side of the lab: it hands connections to one machine after the other,
// and to the next where one refuses.
func (c *cluster) balance(backends ...string) string {
	c.t.Helper()
	listener, err := net.Listen("tcp", c.net+".1:6443")
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for n := 0; ; n++ {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go forward(client, append(slices.Clone(backends[n%len(backends):]), backends[:n%len(backends)]...))
		}
	}()
	return listener.Addr().String()
}

func forward(client net.Conn, backends []string) {
	defer client.Close()
	for _, b := range backends {
		server, err := net.DialTimeout("tcp", b, time.Second)
		if err != nil {
			continue
		}
		defer server.Close()
		done := make(chan struct{}, 2)
		for _, pair := range [][2]net.Conn{{client, server}, {server, client}} {
			go func() {
				_, _ = pair[0].(*net.TCPConn).ReadFrom(pair[1])
				_ = pair[0].(*net.TCPConn).CloseWrite()
				done <- struct{}{}
			}()
		}
		<-done
		<-done
		return
	}
}
