//go:build bench

package test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// upgrading is kubeadm's procedure as it is documented, with all that may be done ahead of time done on all machines at once:
// https://kubernetes.io/docs/tasks/administer-cluster/kubeadm/kubeadm-upgrade/
func (k *kubeadmSide) upgrading() []part {
	parts := []part{
		{"payload", "executables and images that are new, to all machines at once", func() error { return each(benchMachines, k.sendNew) }},
		{"images", "import on all machines at once", func() error { return each(benchMachines, k.importNew) }},
	}
	for i, m := range benchMachines {
		// etcd is of the same version before and after, so nothing is lost by leaving it alone, and kubeadm is spared its restart.
		verb := "upgrade node --etcd-upgrade=false"
		switch {
		case i == 0:
			verb = "upgrade apply v" + k.version + " --yes --etcd-upgrade=false"
		case roleOf(m) == "worker":
			verb = "upgrade node"
		}
		parts = append(parts, part{m, "", func() error { return k.upgradeOne(m, verb) }})
	}
	return append(parts, part{"ready", "until all of kube-system runs", func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
		defer cancel()
		return until(ctx, func() error { return atVersion(ctx, k.client, k.version) })
	}})
}

func (k *kubeadmSide) sendNew(machine string) error {
	archive, err := os.Open(filepath.Join(k.payload, roleOf(machine)+".tar"))
	if err != nil {
		return err
	}
	defer archive.Close()
	_, err = k.ssh(machine, archive, "tar -C / --no-same-owner -xf -")
	return err
}

func (k *kubeadmSide) importNew(machine string) error {
	_, err := k.ssh(machine, nil, "ctr -n k8s.io images import --label io.cri-containerd.pinned=pinned "+imagesPath+" && rm "+imagesPath)
	return err
}

// upgradeOne takes one machine to the new version. As the documentation has it, control planes are drained as well, and the new
// kubelet starts on an empty node.
func (k *kubeadmSide) upgradeOne(machine, verb string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	var took []string
	for _, step := range []part{
		{"kubeadm " + strings.Join(strings.Fields(verb)[:2], " "), "", func() error {
			out, err := k.ssh(machine, nil, "kubeadm "+verb+" --ignore-preflight-errors=SystemVerification -v=1 2>&1")
			return errors.Join(err, k.keep("upgrade-kubeadm-"+machine+".log", out))
		}},
		// What kubectl drain and kubectl uncordon do, with kubectl's own packages.
		{"drain", "", func() error {
			if err := k.client.Cordon(ctx, machine); err != nil {
				return err
			}
			return k.client.Drain(ctx, machine, 5*time.Minute)
		}},
		{"new kubelet until Ready", "", func() error {
			if _, err := k.ssh(machine, nil, "mv "+newPath+"/* /usr/local/bin/ && systemctl daemon-reload && systemctl restart kubelet"); err != nil {
				return err
			}
			return until(ctx, func() error { return k.client.NodeRuns(ctx, machine, k.version) })
		}},
		{"uncordon", "", func() error { return k.client.Uncordon(ctx, machine) }},
	} {
		start := time.Now()
		if err := step.do(); err != nil {
			return fmt.Errorf("%s: %s: %w", machine, step.name, err)
		}
		took = append(took, fmt.Sprintf("%s %.1f s", step.name, time.Since(start).Seconds()))
		k.stages[len(k.stages)-1].note = strings.Join(took, ", ")
	}
	return nil
}
