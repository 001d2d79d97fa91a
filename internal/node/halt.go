//go:build linux

package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/layout"
)

// Halt moves the manifests of static pods aside and waits until no process of theirs is left. The kubelet ends them; one that is
// not at work, or too slow, is not waited for: then containerd ends them, and without it they are killed. Idempotent.
func (m Machine) Halt(ctx context.Context, h Halt) error {
	if err := h.validate(); err != nil {
		return err
	}
	release, err := m.lock(ctx, lockPatience)
	if err != nil {
		return err
	}
	defer release()
	for _, pod := range h.Pods {
		if err := m.moveManifest(pod, h.Aside); err != nil {
			return err
		}
	}
	grace := h.Grace
	if !m.kubeletWorks(ctx) {
		grace = 0
	}
	if h.Kubelet {
		if err := m.stopKubelet(ctx); err != nil {
			return err
		}
		grace = 0
	}
	gone, err := m.gone(ctx, h.Pods, grace)
	if err != nil {
		return err
	}
	if (h.Afresh || !gone) && !h.Kubelet {
		if err := m.renewKubelet(ctx); err != nil {
			return err
		}
	}
	if gone {
		return nil
	}
	if err := m.stopSandboxes(ctx, h.Pods); err != nil {
		return err
	}
	return m.endPrograms(ctx, h.Pods)
}

func (h Halt) validate() error {
	if h.Aside == "" || h.Aside != filepath.Base(h.Aside) || h.Aside[0] == '.' {
		return fmt.Errorf("halt: %q is no name of a directory", h.Aside)
	}
	for _, pod := range h.Pods {
		if pod == "" || pod != filepath.Base(pod) || pod[0] == '.' {
			return fmt.Errorf("halt: %q is no name of a static pod", pod)
		}
	}
	return nil
}

// moveManifest moves a manifest to where the kubelet does not look. The two may be on different disks.
func (m Machine) moveManifest(pod, aside string) error {
	from := m.path(layout.Manifests, pod+".yaml")
	content, err := os.ReadFile(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	to := m.path(layout.Home, aside, pod+".yaml")
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	if err := replaceFile(to, 0o600, os.Getuid(), func(w io.Writer) error { _, err := w.Write(content); return err }); err != nil {
		return err
	}
	if err := os.Remove(from); err != nil {
		return err
	}
	m.emit(event.Event{Kind: event.Changed, Subject: "static pod " + pod, Message: "its manifest was moved to " + to})
	return syncDir(filepath.Dir(from))
}

func (m Machine) kubeletWorks(ctx context.Context) bool {
	_, err := output(ctx, nil, "systemctl", "is-active", "--quiet", "kubelet.service")
	return err == nil
}

// stopKubelet also keeps it from starting with the machine.
func (m Machine) stopKubelet(ctx context.Context) error {
	if _, err := os.Stat(m.path(layout.Units, "kubelet.service")); err != nil {
		return ignore(fs.ErrNotExist, err)
	}
	_, err := output(ctx, nil, "systemctl", "disable", "--now", "kubelet.service")
	return err
}

// renewKubelet starts the kubelet anew where it is at work. One that has not heard from its API server since it started takes no pod out,
// whatever becomes of the manifest: it would start the containers again, and never another pod of that name. One that has just started knows of none.
// https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/kubelet/kubelet.go ("skipping delete because sources aren't ready yet")
func (m Machine) renewKubelet(ctx context.Context) error {
	if !m.kubeletWorks(ctx) {
		return nil
	}
	_, err := output(ctx, nil, "systemctl", "restart", "kubelet.service")
	return err
}

// gone waits until no process of the programs is left, and reports whether that was within the grace.
func (m Machine) gone(ctx context.Context, programs []string, grace time.Duration) (bool, error) {
	for deadline := time.Now().Add(grace); ; {
		left, err := m.programs(programs)
		if err != nil || len(left) == 0 {
			return err == nil, err
		}
		if !time.Now().Before(deadline) {
			return false, nil
		}
		select {
		case <-ctx.Done():
			return false, context.Cause(ctx)
		case <-time.After(awaitInterval):
		}
	}
}

// stopSandboxes has containerd end the static pods, which it does even where no kubelet asks. One that does not run ends none.
func (m Machine) stopSandboxes(ctx context.Context, pods []string) error {
	c, err := m.dialContainerd()
	if err != nil {
		return err
	}
	defer c.close()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	cri := runtimeapi.NewRuntimeServiceClient(c.conn)
	list, err := cri.ListPodSandbox(ctx, &runtimeapi.ListPodSandboxRequest{})
	if status.Code(err) == codes.Unavailable {
		return nil
	}
	if err != nil {
		return fmt.Errorf("ask containerd for its pods: %w", err)
	}
	for _, s := range list.Items {
		name := s.GetMetadata().GetName()
		ours := slices.ContainsFunc(pods, func(pod string) bool { return strings.HasPrefix(name, pod+"-") })
		if s.Annotations[configSource] != fromFile || !ours || s.State != runtimeapi.PodSandboxState_SANDBOX_READY {
			continue
		}
		if _, err := cri.StopPodSandbox(ctx, &runtimeapi.StopPodSandboxRequest{PodSandboxId: s.Id}); err != nil {
			return fmt.Errorf("stop pod %s: %w", name, err)
		}
	}
	return nil
}

// endPrograms ends what is still left: it asks, and then does not ask any more.
func (m Machine) endPrograms(ctx context.Context, programs []string) error {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		left, err := m.programs(programs)
		if err != nil {
			return err
		}
		for _, pid := range left {
			if err := ignore(unix.ESRCH, syscall.Kill(pid, signal)); err != nil {
				return err
			}
		}
		if gone, err := m.gone(ctx, programs, podPatience); err != nil || gone {
			return err
		}
	}
	return fmt.Errorf("%s does not end: restart the machine and run this again", strings.Join(programs, ", "))
}

// programs are the processes of pods that run one of the programs.
func (m Machine) programs(names []string) (out []int, err error) {
	pids, err := m.podProcesses()
	if err != nil {
		return nil, err
	}
	for _, pid := range pids {
		line, err := os.ReadFile(m.path("/proc", strconv.Itoa(pid), "cmdline"))
		if err != nil {
			continue // it has ended since
		}
		program, _, _ := strings.Cut(string(line), "\x00")
		if slices.Contains(names, filepath.Base(program)) {
			out = append(out, pid)
		}
	}
	return out, nil
}
