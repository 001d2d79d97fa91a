//go:build torture

package test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"filippo.io/age"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/ptr"

	"github.com/slipway/slipway/internal/archive"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/pki"
)

// restored is the namespace of what is archived, changed, and wanted back.
const restored = "restored"

// TestRestore brings a cluster back on its machines, then with the restore killed again and again, and then on new machines, the three
// control planes being dead and the state directory lost. RESTORE_KILLS says how often it is killed (4).
func TestRestore(t *testing.T) {
	c := newCluster(t, "res", "10.64.0", "cp-1=11", "cp-2=12", "cp-3=13", "w-1=21")
	body := func(more ...string) string {
		out := "load_balancer \"vip\" {}\n"
		for _, last := range more {
			out += nodeBlock("cp-"+last[1:], "control-plane", last)
		}
		return out + nodeBlock("w-1", "worker", "21")
	}
	file := c.write(body("11", "12", "13"))
	c.must("apply", "-f", file)
	c.becomesReady("cp-1", "cp-2", "cp-3", "w-1")
	c.inhabit()
	a, key := c.archive()
	archived, pods := c.contents(), c.running()
	watched := c.informed()
	revision := c.revision()
	c.spoil()
	c.restoreRefuses(file, a, key, body("11", "12", "13"))

	r := c.run("restore", "-f", file, a, "--yes")
	if r.code != 0 {
		t.Fatalf("restore: exit %d\n%s", r.code, r.stderr)
	}
	t.Logf("restored on the same machines in %.1f s", r.took.Seconds())
	c.restoredTo(archived, pods, file, "cp-1", "cp-2", "cp-3", "w-1")
	c.expired(revision)
	eventually(t, time.Minute, "an informer from before sees what there is", func() error { return same(archived, watched()) })

	t.Run("killed", func(t *testing.T) { c.restoresKilled(t, file, a, archived, pods, r.took) })
	t.Run("new machines", func(t *testing.T) { c.restoresElsewhere(t, a, key, archived, pods, body) })
}

// inhabit puts a workload on the worker, and objects that will be looked for.
func (c *cluster) inhabit() {
	t, client, ctx := c.t, c.client(), context.Background()
	_, err := client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: restored}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 30 {
		meta := metav1.ObjectMeta{Name: fmt.Sprintf("one-%d", i)}
		if _, err := client.CoreV1().ConfigMaps(restored).Create(ctx, &corev1.ConfigMap{ObjectMeta: meta, Data: map[string]string{"is": fmt.Sprint(i)}}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		if _, err := client.CoreV1().Secrets(restored).Create(ctx, &corev1.Secret{ObjectMeta: meta, StringData: map[string]string{"is": fmt.Sprint(i)}}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	c.deploy("web")
}

// deploy runs three pods on the worker and waits for them.
func (c *cluster) deploy(name string) {
	t, client, ctx := c.t, c.client(), context.Background()
	labels := map[string]string{"app": name}
	_, err := client.AppsV1().Deployments(restored).Create(ctx, &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: appsv1.DeploymentSpec{Replicas: ptr.To(int32(3)), Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: labels},
			Spec: corev1.PodSpec{
				Containers:   []corev1.Container{{Name: name, Image: "slipway.local/pause:v1.0.0", ImagePullPolicy: corev1.PullNever}},
				NodeSelector: map[string]string{"node-role.kubernetes.io/worker": ""},
			},
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, 2*time.Minute, "deployment "+name, func() error {
		d, err := client.AppsV1().Deployments(restored).Get(ctx, name, metav1.GetOptions{})
		if err == nil && d.Status.ReadyReplicas != 3 {
			err = fmt.Errorf("%d ready", d.Status.ReadyReplicas)
		}
		return err
	})
}

// spoil changes, deletes and adds what a restore must bring back or take away.
func (c *cluster) spoil() {
	t, client, ctx := c.t, c.client(), context.Background()
	changed := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "one-3"}, Data: map[string]string{"is": "spoiled"}}
	if _, err := client.CoreV1().ConfigMaps(restored).Update(ctx, changed, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := client.CoreV1().Secrets(restored).Delete(ctx, "one-4", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	added := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "later-" + strconv.Itoa(rand.IntN(1e9))}}
	if _, err := client.CoreV1().ConfigMaps(restored).Create(ctx, added, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	c.deploy("later")
}

// contents are the objects, by kind and name, with their data and uid.
func (c *cluster) contents() map[string]string {
	t, client, ctx := c.t, c.client(), context.Background()
	out := map[string]string{}
	configs, err := client.CoreV1().ConfigMaps(restored).List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range configs.Items {
		out["ConfigMap "+o.Name] = string(o.UID) + fmt.Sprint(o.Data)
	}
	secrets, err := client.CoreV1().Secrets(restored).List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range secrets.Items {
		out["Secret "+o.Name] = string(o.UID) + fmt.Sprint(o.Data)
	}
	return out
}

// same compares the ConfigMaps and, where they are there, the Secrets.
func same(want, got map[string]string) error {
	for key := range got {
		if got[key] != want[key] {
			return fmt.Errorf("%s is %q, want %q", key, got[key], want[key])
		}
	}
	for key := range want {
		if _, there := got[key]; !there && strings.HasPrefix(key, "ConfigMap ") {
			return fmt.Errorf("%s is not there", key)
		}
	}
	return nil
}

// running are the containers on the worker, as its containerd tells: when they started. Pods of DaemonSets are left out, since an
// endpoint or image that changed replaces them.
func (c *cluster) running() map[string]string {
	c.t.Helper()
	out := map[string]string{}
	pods, err := c.client().CoreV1().Pods(restored).List(context.Background(), metav1.ListOptions{})
	if err != nil {
		c.t.Fatal(err)
	}
	for _, p := range pods.Items {
		for _, s := range p.Status.ContainerStatuses {
			if s.State.Running != nil {
				_, id, _ := strings.Cut(s.ContainerID, "://")
				out[p.Name] = id + " since " + s.State.Running.StartedAt.UTC().Format(time.RFC3339)
			}
		}
	}
	return out
}

// informed keeps an informer over the ConfigMaps, and tells what it knows.
func (c *cluster) informed() func() map[string]string {
	config := c.config()
	config.Timeout = 0
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		c.t.Fatal(err)
	}
	list := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return client.CoreV1().ConfigMaps(restored).List(ctx, o)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			return client.CoreV1().ConfigMaps(restored).Watch(ctx, o)
		},
	}
	informer := cache.NewSharedIndexInformer(list, &corev1.ConfigMap{}, 0, cache.Indexers{})
	stop := make(chan struct{})
	c.t.Cleanup(func() { close(stop) })
	go informer.Run(stop)
	eventually(c.t, time.Minute, "the informer", func() error {
		if !informer.HasSynced() {
			return fmt.Errorf("not synced")
		}
		return nil
	})
	return func() map[string]string {
		out := map[string]string{}
		for _, o := range informer.GetStore().List() {
			if m, ok := o.(*corev1.ConfigMap); ok {
				out["ConfigMap "+m.Name] = string(m.UID) + fmt.Sprint(m.Data)
			}
		}
		return out
	}
}

func (c *cluster) revision() int64 {
	c.t.Helper()
	list, err := c.client().CoreV1().ConfigMaps(restored).List(context.Background(), metav1.ListOptions{Limit: 1})
	if err != nil {
		c.t.Fatal(err)
	}
	revision, err := strconv.ParseInt(list.ResourceVersion, 10, 64)
	if err != nil {
		c.t.Fatal(err)
	}
	return revision
}

// expired wants that nobody can go on watching from before, and that revisions are far ahead.
func (c *cluster) expired(before int64) {
	c.t.Helper()
	if now := c.revision(); now < before+1e9 {
		c.t.Errorf("the revision was %d and is %d", before, now)
	}
	w, err := c.client().CoreV1().ConfigMaps(restored).Watch(context.Background(), metav1.ListOptions{ResourceVersion: fmt.Sprint(before)})
	if err == nil {
		defer w.Stop()
		e := <-w.ResultChan()
		err = apierrors.FromObject(e.Object)
	}
	if !apierrors.IsResourceExpired(err) && !apierrors.IsGone(err) {
		c.t.Errorf("a watch from before goes on: %v", err)
	}
}

// restoredTo wants all as it was archived: data, pods that never stopped, nothing more to do, and a healthy cluster.
func (c *cluster) restoredTo(archived, pods map[string]string, file string, nodes ...string) {
	t := c.t
	t.Helper()
	if now := c.contents(); !maps.Equal(archived, now) {
		t.Errorf("the data is not what was archived: %v\nnow  %d\nthen %d", same(archived, now), len(now), len(archived))
	}
	eventually(t, 2*time.Minute, "pods of the archive alone", func() error {
		if now := c.running(); !maps.Equal(pods, now) {
			return fmt.Errorf("now %v, then %v", now, pods)
		}
		return nil
	})
	c.becomesReady(nodes...)
	c.want(0, "plan", "-f", file)
	c.becomesHealthy(file)
}

// archive makes an archive and the identity that opens it, of what the machines have: etcd's own tool and the files of cp-1.
func (c *cluster) archive() (path, identity string) {
	t := c.t
	t.Helper()
	certs := "--cacert=/etc/kubernetes/pki/etcd/ca.crt --cert=/etc/kubernetes/pki/etcd/healthcheck-client.crt --key=/etc/kubernetes/pki/etcd/healthcheck-client.key"
	var status struct {
		Revision int64 `json:"revision"`
	}
	text := c.exec("cp-1", "sh", "-c", "etcdctl "+certs+" snapshot save /tmp/s.db >/dev/null 2>&1; etcdutl snapshot status /tmp/s.db -w json")
	if err := json.Unmarshal([]byte(text), &status); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	raw, err := exec.Command(c.binary, "lab", "exec", "--name", c.name, "--dir", c.labDir(), "cp-1", "--", "sh", "-c", "cat /tmp/s.db && rm /tmp/s.db").Output()
	if err != nil {
		t.Fatalf("snapshot: %v", err)
	}
	dir := t.TempDir()
	snapshot := filepath.Join(dir, "snapshot.db")
	if err := os.WriteFile(snapshot, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	secrets := map[string][]byte{}
	for _, p := range pki.RecoverPaths(spec.ControlPlane) {
		out, err := exec.Command(c.binary, "lab", "exec", "--name", c.name, "--dir", c.labDir(), "cp-1", "--", "cat", p).Output()
		if err == nil {
			secrets[p] = out
		}
	}
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	recipient, err := archive.ParseRecipient(key.Recipient().String())
	if err != nil {
		t.Fatal(err)
	}
	identity, path = filepath.Join(dir, "key.txt"), filepath.Join(dir, "res.slipway")
	if err := os.WriteFile(identity, []byte(key.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var members []archive.Member
	for i := range 3 {
		members = append(members, archive.Member{Name: fmt.Sprintf("cp-%d", i+1), Peer: fmt.Sprintf("https://%s.1%d:2380", c.net, i+1)})
	}
	declared, err := spec.Read(filepath.Join(c.dir, "cluster.hcl"), spec.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	set, err := pki.Rebuild(map[string]map[string][]byte{"cp-1": secrets})
	if err != nil {
		t.Fatal(err)
	}
	_, err = archive.Create(path, archive.Contents{
		Manifest: archive.Manifest{
			Taken: time.Now(), Cluster: archive.Cluster{Name: c.name, ID: set.ClusterID()}, Node: "cp-1",
			Versions: archive.Versions{Kubernetes: kubernetesVersion(), Etcd: "3.6.16"}, Etcd: archive.Etcd{Revision: status.Revision, Members: members},
		},
		Spec: spec.Write(declared), Secrets: secrets, Snapshot: snapshot, Recipients: []archive.Recipient{recipient},
	})
	if err != nil {
		t.Fatal(err)
	}
	return path, identity
}

// restoreRefuses tries all that is refused while the cluster serves, and wants it untouched.
func (c *cluster) restoreRefuses(file, a, key, body string) {
	t := c.t
	t.Helper()
	began := c.exec("cp-1", "sh", "-c", "ls -di /proc/$(pgrep -x etcd) && stat -c %Y /var/lib/etcd/member")
	whole, err := os.ReadFile(a)
	if err != nil {
		t.Fatal(err)
	}
	damaged := filepath.Join(t.TempDir(), "damaged")
	at := len(whole) / 2
	bad := slices.Clone(whole)
	bad[at] ^= 1
	if err := os.WriteFile(damaged, bad, 0o600); err != nil {
		t.Fatal(err)
	}
	c.says(c.run("restore", "-f", file, damaged, "--yes"), 3, "it is damaged")
	stranger, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	wrong := filepath.Join(t.TempDir(), "wrong")
	if err := os.WriteFile(wrong, []byte(stranger.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.says(c.run("restore", "-f", file, a, "--identity", wrong, "--yes"), 3, "its keys are sealed to")
	c.says(c.run("restore", "-f", file, a, "--gone", "cp-3", "--yes"), 3, "it is in the file")
	c.says(c.run("restore", "-f", file, a), 3, "nothing was changed")
	plan := c.run("restore", "-f", file, a)
	c.says(plan, 3, "writes since the archive was taken are LOST", "data on", "cp-1, cp-2, cp-3")
	t.Logf("the plan:\n%s", plan.stdout)

	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	other := func(from, to string) string {
		path := filepath.Join(c.dir, "other.hcl")
		if err := os.WriteFile(path, bytes.Replace(text, []byte(from), []byte(to), 1), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	c.says(c.run("restore", "-f", other(`cluster "res"`, `cluster "resx"`), a, "--yes"), 3, `is of the cluster "res", and the file of "resx"`)
	c.lab("cut", "w-1")
	c.says(c.run("restore", "-f", file, a, "--yes"), 4, "w-1")
	c.lab("mend", "w-1")

	// A control plane that is taken out of the file and only cannot be reached goes on with the cluster.
	c.write(strings.Replace(body, nodeBlock("cp-3", "control-plane", "13"), "", 1))
	c.lab("cut", "cp-3")
	c.says(c.run("restore", "-f", file, a, "--yes"), 4, "cp-3", "does not answer", "--gone cp-3")
	c.lab("mend", "cp-3")
	c.says(c.run("restore", "-f", file, a, "--gone", "cp-3", "--yes"), 4, "cp-3", "it answers", "although --gone names it")
	c.write(body)
	if now := c.exec("cp-1", "sh", "-c", "ls -di /proc/$(pgrep -x etcd) && stat -c %Y /var/lib/etcd/member"); now != began {
		t.Errorf("a refused restore touched etcd: %q, now %q", began, now)
	}
	c.becomesReady("cp-1", "cp-2", "cp-3", "w-1")
}

// restoresKilled kills a restore at random moments, each in its part of the whole, and wants the next to finish.
func (c *cluster) restoresKilled(t *testing.T, file, a string, archived, pods map[string]string, whole time.Duration) {
	kills := 4
	if v := os.Getenv("RESTORE_KILLS"); v != "" {
		var err error
		if kills, err = strconv.Atoi(v); err != nil || kills < 1 {
			t.Fatalf("RESTORE_KILLS is %q: expected a number of kills, 1 or more", v)
		}
	}
	part := whole / time.Duration(kills)
	for i := range kills {
		c.spoil()
		after := time.Duration(i)*part + rand.N(part)
		doing := c.restoreKilled(after, "restore", "-f", file, a, "--yes")
		half := c.run("apply", "-f", file)
		if half.code == 3 {
			c.says(half, 3, "stands half way", "slipway restore -f")
			if s := c.run("status", "-f", file); !strings.Contains(s.stdout+s.stderr, "stands half way") {
				t.Errorf("status does not say so:\n%s%s", s.stdout, s.stderr)
			}
		}
		r := c.run("restore", "-f", file, a, "--yes")
		if r.code != 0 {
			t.Fatalf("restore after a kill at %s (%s): exit %d\n%s", after.Round(time.Millisecond), doing, r.code, r.stderr)
		}
		t.Logf("killed after %.1f s (%s), apply then exit %d, the next restore took %.1f s", after.Seconds(), doing, half.code, r.took.Seconds())
		c.restoredTo(archived, pods, file, "cp-1", "cp-2", "cp-3", "w-1")
	}
}

// restoreKilled runs the program and kills it; the stages that it was in.
func (c *cluster) restoreKilled(after time.Duration, args ...string) string {
	log, err := os.Create(filepath.Join(c.dir, "killed.log"))
	if err != nil {
		c.t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(c.binary, args...)
	cmd.Dir, cmd.Stderr = c.dir, log
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	timer := time.AfterFunc(after, func() { _ = cmd.Process.Signal(syscall.SIGKILL) }) // it may have finished
	_ = cmd.Wait()                                                                     // killed is no error here
	timer.Stop()
	if cmd.ProcessState.Success() {
		return "finished"
	}
	return runningStages(c.t, log.Name())
}

// restoresElsewhere loses all control planes and the operator's state, and restores on new machines at new addresses.
func (c *cluster) restoresElsewhere(t *testing.T, a, key string, archived, pods map[string]string, body func(...string) string) {
	c.lab("kill", "cp-1", "cp-2", "cp-3")
	if err := os.Rename(filepath.Join(c.dir, ".slipway"), filepath.Join(c.dir, "lost")); err != nil {
		t.Fatal(err)
	}
	c.labUp("cp-4=14", "cp-5=15", "cp-6=16")
	file := c.write(body("14", "15", "16"))
	c.says(c.run("restore", "-f", file, a, "--yes"), 3, "the state directory is empty", "--identity")
	c.says(c.run("restore", "-f", file, a, "--identity", key, "--yes"), 4, "cp-1", "does not answer", "--gone cp-1")
	r := c.run("restore", "-f", file, a, "--identity", key, "--gone", "cp-1,cp-2,cp-3", "--yes")
	if r.code != 0 {
		t.Fatalf("restore: exit %d\n%s", r.code, r.stderr)
	}
	t.Logf("restored on new machines in %.1f s", r.took.Seconds())
	if r.took > 10*time.Minute {
		t.Errorf("it took %s", r.took)
	}
	c.restoredTo(archived, pods, file, "cp-4", "cp-5", "cp-6", "w-1")
}
