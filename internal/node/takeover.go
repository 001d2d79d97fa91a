//go:build linux

package node

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/layout"
)

// KeptDir is where a machine keeps the files of the tool that made the cluster with that id, after it was taken over.
func KeptDir(cluster string) string {
	return filepath.Join(layout.Removed, "kubeadm-"+cluster[:min(12, len(cluster))])
}

// belongings are what a cluster's own tool has made on a machine: what a cluster that is taken off leaves nothing of.
// The kubelet's data is there only with what cannot be made again.
var belongings = [...]string{
	"/etc/kubernetes",
	"/etc/cni/net.d",
	"/var/lib/kubelet/config.yaml",
	"/var/lib/kubelet/instance-config.yaml",
	"/var/lib/kubelet/kubeadm-flags.env",
	"/var/lib/kubelet/pki",
	layout.Units + "/kubelet.service",
	layout.Units + "/kubelet.service.d",
}

// inherited are places that the cluster which is taken over has filled: they are this cluster's as if Slipway had. What
// containerd holds may be somebody else's too, where another engine runs on it.
var inherited = [...]string{
	"/etc/kubernetes", "/etc/cni", "/var/lib/cni", "/var/lib/kubelet", "/var/lib/etcd",
	"/var/log/pods", "/var/log/containers", "/run/flannel", "/var/lib/containerd", "/run/containerd",
}

// kept reports whether this machine was taken over with the cluster of that id.
func (m Machine) kept(cluster string) bool {
	_, err := os.Stat(m.path(KeptDir(cluster)))
	return err == nil
}

// keep copies the belongings aside before the first of them is replaced, once: whole, or not at all.
func (m Machine) keep(cluster string) error {
	to := KeptDir(cluster)
	if m.kept(cluster) {
		return nil
	}
	unfinished := to + ".unfinished"
	if err := os.RemoveAll(m.path(unfinished)); err != nil {
		return err
	}
	if err := os.MkdirAll(m.path(unfinished), 0o700); err != nil {
		return err
	}
	for _, place := range belongings {
		if err := m.keepTree(place, unfinished); err != nil {
			return fmt.Errorf("keep %s in %s: %w", place, to, err)
		}
	}
	if err := os.Rename(m.path(unfinished), m.path(to)); err != nil {
		return err
	}
	m.emit(event.Event{Kind: event.Progress, Subject: "files of kubeadm", Message: "copied to " + to})
	return nil
}

func (m Machine) keepTree(place, to string) error {
	return filepath.WalkDir(m.path(place), func(path string, e fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case path == m.path("/etc/kubernetes/tmp"): // copies of etcd's data, made by upgrades
			return fs.SkipDir
		case e.IsDir() || e.Type()&^fs.ModeSymlink != 0:
			return nil
		}
		rel, err := filepath.Rel(m.path("/"), path)
		if err != nil {
			return err
		}
		return save(path, m.path(to, rel))
	})
}

// inherit notes the machine as it was before the cluster that is taken over came.
func (m Machine) inherit(f *found) {
	for _, place := range inherited {
		shared := strings.HasSuffix(place, "/containerd") && m.dockerRuns()
		if f.Places[place] == used && !shared {
			f.Places[place] = void
		}
	}
	f.Links = slices.DeleteFunc(f.Links, func(name string) bool { return slices.Contains(ourLinks[:], name) || strings.HasPrefix(name, "veth") })
}

func (m Machine) dockerRuns() bool {
	_, err := os.Stat(m.path("/run/docker.sock"))
	return err == nil
}

// belongs reports whether path is one of the belongings, or below one, or what the kubelet wrote.
func belongs(path string) bool {
	return slices.ContainsFunc(append(belongings[:], inherited[:]...), func(place string) bool {
		return path == place || strings.HasPrefix(path, place+"/")
	})
}
