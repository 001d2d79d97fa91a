//go:build bench

package test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// each does the same for all machines at once.
func each(machines []string, do func(machine string) error) error {
	failures := make([]error, len(machines))
	var all sync.WaitGroup
	for i, m := range machines {
		all.Go(func() {
			if err := do(m); err != nil {
				failures[i] = fmt.Errorf("%s: %w", m, err)
			}
		})
	}
	all.Wait()
	return errors.Join(failures...)
}

// ssh runs a script on a machine with OpenSSH's client and returns what it wrote to stdout.
func (k *kubeadmSide) ssh(machine string, stdin io.Reader, script string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 6*time.Minute)
	defer cancel()
	var out, said bytes.Buffer
	// The default cipher is several times slower than this one on processors that know AES.
	cmd := exec.CommandContext(ctx, "ssh", "-F", filepath.Join(k.c.labDir(), "ssh_config"), "-o", "BatchMode=yes",
		"-o", "StrictHostKeyChecking=yes", "-c", "aes128-gcm@openssh.com", machine, script)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &out, &said
	err := cmd.Run()
	if err != nil {
		err = fmt.Errorf("%w\n%s%s", err, last(out.String(), 3000), last(said.String(), 3000))
	}
	return out.String(), err
}

func last(s string, n int) string { return s[max(0, len(s)-n):] }

func (k *kubeadmSide) send(machine string) error {
	role, err := os.Open(filepath.Join(k.payload, roleOf(machine)+".tar"))
	if err != nil {
		return err
	}
	defer role.Close()
	own, err := k.ownFiles(machine)
	if err != nil {
		return err
	}
	_, err = k.ssh(machine, io.MultiReader(role, bytes.NewReader(own)), "tar -C / --ignore-zeros --no-same-owner -xf -")
	return err
}

func roleOf(machine string) string {
	if strings.HasPrefix(machine, "cp-") {
		return "control-plane"
	}
	return "worker"
}

// ownFiles are the small files of one machine, as tar.
func (k *kubeadmSide) ownFiles(machine string) ([]byte, error) {
	files := map[string][]byte{
		"/etc/sysctl.d/99-kubernetes.conf":    []byte(kubeadmSysctls),
		"/etc/systemd/system/kubelet.service": []byte(kubeletUnit),
	}
	for path, content := range k.files[machine] {
		files[path] = k.forKubeadm(content)
	}
	var out bytes.Buffer
	archive := tar.NewWriter(&out)
	for path, content := range files {
		mode := int64(0o644)
		if strings.HasSuffix(path, ".sh") {
			mode = 0o755
		}
		if err := put(archive, path[1:], mode, content); err != nil {
			return nil, err
		}
	}
	err := archive.Close() // writes the end
	return out.Bytes(), err
}
