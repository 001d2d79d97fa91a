//go:build bench

package test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/kube"
)

// kubeadmSide drives kubeadm on machines over OpenSSH, as a careful script would.
type kubeadmSide struct {
	*bench
	c      *cluster
	files  map[string]map[string][]byte // by machine and path
	config *kubeadmConfig
	client *kube.Client // of a cluster that is upgraded
	stages []stretch
}

// kubeadm makes a cluster on fresh machines. Whatever can be done on several machines at once is.
func (b *bench) kubeadm(t *testing.T, model slipwayRun) course {
	c := newCluster(t, "bench", benchNet, benchLab()...)
	c.write(benchFile())
	k := &kubeadmSide{bench: b, c: c, files: model.files}
	parts, err := k.making()
	if err != nil {
		t.Fatal(err)
	}
	before := b.calm(t)
	run := k.timed(t, parts)
	run.before = before
	b.keepJournals(t, c, "kubeadm")
	return run
}

// making is how a cluster is made, part by part.
func (k *kubeadmSide) making() ([]part, error) {
	k.configure()
	addons, err := k.addons()
	return []part{
		{"payload", "executables, images and settings to all machines at once", func() error { return each(benchMachines, k.send) }},
		{"machines", "kernel parameters, containerd and import of images on all machines at once", func() error { return each(benchMachines, k.install) }},
		{"init", "kubeadm init on cp-1", k.init},
		{"join", "", func() error { return k.joinAll(addons) }},
		{"ready", "until every node is Ready and all of kube-system runs", k.wait},
	}, err
}

// part is one stage of a side's course.
type part struct {
	name, note string
	do         func() error
}

// timed does the parts under the clock.
func (k *kubeadmSide) timed(t *testing.T, parts []part) (run course) {
	t.Helper()
	m := newMeter(t)
	start := time.Now()
	for _, p := range parts {
		if err := k.stage(p.name, p.note, p.do); err != nil {
			k.tell(t)
			t.Fatalf("kubeadm's side, stage %s: %v", p.name, err)
		}
	}
	run.total, run.stages = time.Since(start), k.stages
	if err := m.fill(&run, start); err != nil {
		t.Fatal(err)
	}
	return run
}

func (k *kubeadmSide) stage(name, note string, do func() error) error {
	s := stretch{name: name, note: note, start: time.Now()}
	i := len(k.stages)
	k.stages = append(k.stages, s)
	err := do()
	k.stages[i].end = time.Now()
	return err
}

// install starts containerd and imports the images.
func (k *kubeadmSide) install(machine string) error {
	_, err := k.ssh(machine, nil, `set -e
sysctl -q -p /etc/sysctl.d/99-kubernetes.conf
swapoff -a
systemctl daemon-reload
systemctl enable -q --now containerd
systemctl enable -q kubelet
ctr -n k8s.io images import --label io.cri-containerd.pinned=pinned `+imagesPath+`
rm `+imagesPath)
	return err
}

// init makes the first control plane.
func (k *kubeadmSide) init() error {
	out, err := k.kubeadm("cp-1", "init --upload-certs --skip-token-print --skip-certificate-key-print", k.config.init(k.c))
	if err != nil {
		return err
	}
	return k.config.learn(out)
}

// joinAll joins every other machine and applies the addons, all at once. kubeadm itself makes control
// planes wait for each other where etcd takes only one new member at a time.
func (k *kubeadmSide) joinAll(addons string) error {
	took := make([]string, len(benchMachines))
	err := each(benchMachines, func(machine string) error {
		start := time.Now()
		do, what := k.join, machine
		if machine == "cp-1" {
			do, what = func(string) error { return k.apply(addons) }, "addons"
		}
		err := do(machine)
		for i, m := range benchMachines {
			if m == machine {
				took[i] = fmt.Sprintf("%s %.1f s", what, time.Since(start).Seconds())
			}
		}
		return err
	})
	k.stages[len(k.stages)-1].note = "all at once: " + strings.Join(took, ", ")
	return err
}

func (k *kubeadmSide) join(machine string) error {
	_, err := k.kubeadm(machine, "join", k.config.join(k.c, machine))
	return err
}

// kubeadm runs kubeadm on a machine and keeps what it says. Its configuration holds secrets, so it goes over stdin.
func (k *kubeadmSide) kubeadm(machine, verb, config string) (string, error) {
	out, err := k.ssh(machine, strings.NewReader(config), `set -e
umask 077
cat >/root/kubeadm.yaml
kubeadm `+verb+` -v=1 --config /root/kubeadm.yaml 2>&1`)
	return out, errors.Join(err, k.keep("kubeadm-"+machine+".log", out))
}

func (k *kubeadmSide) apply(objects string) error {
	_, err := k.ssh("cp-1", strings.NewReader(objects), "kubectl --kubeconfig /etc/kubernetes/admin.conf apply -f -")
	return err
}

// wait waits as slipway does, for the same conditions.
func (k *kubeadmSide) wait() error {
	kubeconfig, err := k.ssh("cp-1", nil, "cat /etc/kubernetes/admin.conf")
	if err != nil {
		return err
	}
	client, err := dial([]byte(kubeconfig))
	if err != nil {
		return err
	}
	start := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	if err := until(ctx, func() error { return client.NodesReady(ctx, benchMachines) }); err != nil {
		return err
	}
	k.stages[len(k.stages)-1].note += fmt.Sprintf("; the nodes were after %.1f s", time.Since(start).Seconds())
	return until(ctx, func() error { return whole(ctx, client) })
}

// until polls as often as slipway does.
func until(ctx context.Context, holds func() error) error {
	for {
		err := holds()
		if err == nil || ctx.Err() != nil {
			return err
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// tell shows what a reader needs when this side fails.
func (k *kubeadmSide) tell(t *testing.T) {
	for _, machine := range benchMachines {
		out, err := k.ssh(machine, nil, "journalctl -q -u kubelet -u containerd -p warning -n 15 --no-pager; ctr -n k8s.io tasks list")
		t.Logf("%s: %v\n%s", machine, err, out)
	}
}
