//go:build lab

package test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestKubeadmIsTakenOver makes a cluster with kubeadm, uses it, and makes it Slipway's, without losing an object. KUBEADM_MACHINES
// names other machines, such as cp-1,cp-2,cp-3,w-1, which take some minutes more.
func TestKubeadmIsTakenOver(t *testing.T) {
	machines := []string{"cp-1", "w-1"}
	if list := os.Getenv("KUBEADM_MACHINES"); list != "" {
		machines = strings.Split(list, ",")
	}
	payload := kubeadmPayload(t)
	var lab []string
	for _, m := range machines {
		lab = append(lab, m+"="+lastOctet(m))
	}
	c := newCluster(t, "kubeadm", "10.88.0", lab...)
	part := func(name string, do func()) {
		t.Helper()
		start := time.Now()
		do()
		t.Logf("%s: %.1f s", name, time.Since(start).Seconds())
	}
	part("install", func() { c.installKubeadm(payload, machines) })
	part("kubeadm", func() {
		endpoint := c.balance(controlPlanesOf(c, machines)...)
		c.kubeadmCluster(machines, endpoint)
		c.upstreamFlannel(machines, endpoint)
	})
	part("ready", func() {
		c.kubectl("wait", "--for=condition=Ready", "node", "--all", "--timeout=120s")
		c.kubectl("-n", "kube-system", "wait", "--for=condition=Ready", "pod", "--all", "--timeout=120s")
	})
	part("use", c.useCluster)
	file := filepath.Join(c.dir, "cluster.hcl")
	part("export", func() { c.exportKubeadm(file) })
	before := c.everyObject(c.adminClient())
	life := c.watch(machines)
	part("refused without being asked for", func() {
		if out := c.want(4, "plan", "-f", file); !strings.Contains(out, "--take-over") {
			t.Errorf("the refusal does not tell how:\n%s", out)
		}
	})
	part("plan", func() {
		out := c.want(2, "plan", "-f", file, "--take-over")
		for _, want := range []string{"/etc/kubernetes/manifests/etcd.yaml", "10-kubeadm.conf", "DaemonSet kube-flannel/kube-flannel-ds", "ConfigMap kube-system/kubeadm-config", "/var/lib/slipway-removed/kubeadm-"} {
			if !strings.Contains(out, want) {
				t.Errorf("the plan does not speak of %s:\n%s", want, out)
			}
		}
		if now := c.everyObject(c.adminClient()); len(now) < len(before)-5 {
			t.Errorf("planning has changed something: %d objects, there were %d", len(now), len(before))
		}
	})
	part("apply, killed", func() { c.killTakeOver(file) })
	part("apply", func() { c.must("apply", "-f", file) }) // begun, it needs no more asking
	part("plan again", func() { c.want(0, "plan", "-f", file) })
	c.becomesReady(machines...)
	life.asBefore()
	c.sameObjects(before, c.everyObject(c.adminClient()))
	part("goes on", func() { c.goesOn(machines) })
	part("destroy", func() { c.leavesNothing(file, machines) })
}

func controlPlanesOf(c *cluster, machines []string) (out []string) {
	for _, m := range machines {
		if strings.HasPrefix(m, "cp-") {
			out = append(out, c.at(m)+":6443")
		}
	}
	return out
}

// exportKubeadm writes the cluster's file from the operator's machine, by the administrator's kubeconfig, and on a control
// plane, and wants the same.
func (c *cluster) exportKubeadm(file string) {
	c.t.Helper()
	admin := filepath.Join(c.dir, "admin.conf")
	if err := os.WriteFile(admin, []byte(c.exec("cp-1", "cat", "/etc/kubernetes/admin.conf")), 0o600); err != nil {
		c.t.Fatal(err)
	}
	ssh := []string{"--private-key", c.dir + "/lab/id_ed25519", "--known-hosts", c.dir + "/lab/known_hosts"}
	text := c.must(append([]string{"export", "--kubeconfig", admin}, ssh...)...)
	if err := copyFile(c.binary, filepath.Join(c.labDir(), "machines", "cp-1", "root", "opt", "slipway")); err != nil {
		c.t.Fatal(err)
	}
	if there := c.exec("cp-1", append([]string{"/opt/slipway", "export"}, ssh...)...); there != text {
		c.t.Errorf("exported on the control plane:\n%s\nand from here:\n%s", there, text)
	}
	c.t.Log(text)
	bundle := fmt.Sprintf("{\n  bundle = %q\n", filepath.Join(c.root, "build", "slipway-"+kubernetesVersion()+"-amd64.bundle"))
	if err := os.WriteFile(file, []byte(strings.Replace(text, "{\n", bundle, 1)), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

// killTakeOver begins to take over and kills that in the midst of the first control plane.
func (c *cluster) killTakeOver(file string) {
	c.t.Helper()
	path := filepath.Join(c.dir, "killed.log")
	log, err := os.Create(path)
	if err != nil {
		c.t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(c.binary, "apply", "-f", file, "--take-over")
	cmd.Dir, cmd.Stdout, cmd.Stderr = c.dir, log, log
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for deadline := time.After(4 * time.Minute); ; {
		select {
		case err := <-ended:
			text, _ := os.ReadFile(path)
			c.t.Fatalf("it ended (%v) before it could be killed:\n%s", err, text)
		case <-deadline:
			c.t.Fatal("it never came to the control planes")
		case <-time.After(100 * time.Millisecond):
		}
		if text, err := os.ReadFile(path); err == nil && strings.Contains(string(text), "kube-apiserver.yaml") {
			break
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		c.t.Fatal(err)
	}
	<-ended
}

// life is what of a cluster must live on while it is taken over.
type life struct {
	c                   *cluster
	machines            []string
	token, pods, member string
	service, api        func() time.Duration
}

// watch notes what lives, and asks the workload and the API all the time, each time by a new connection.
func (c *cluster) watch(machines []string) *life {
	c.t.Helper()
	l := &life{c: c, machines: machines, token: strings.TrimSpace(c.kubectl("create", "token", "robot", "--duration=2h"))}
	l.pods, l.member = l.livingPods(), l.members()
	l.service = gap(func() error { return ask("http://" + c.at("w-1") + ":30080/") })
	l.api = gap(func() error { return ask("https://" + c.net + ".1:6443/livez") })
	return l
}

// livingPods are the workload's, with their containers and addresses.
func (l *life) livingPods() string {
	return l.c.kubectl("get", "pods", "-l", "app=web", "--sort-by=.metadata.name", "-o",
		`jsonpath={range .items[*]}{.metadata.uid} {.status.podIP} {.status.containerStatuses[0].containerID} {.status.containerStatuses[0].restartCount}{"\n"}{end}`)
}

// members are the ids of etcd's members, by machine.
func (l *life) members() (out string) {
	for _, m := range l.machines {
		if strings.HasPrefix(m, "cp-") {
			out += m + " " + l.c.exec(m, "sh", "-c", "curl -s http://127.0.0.1:2381/metrics | grep ^etcd_server_id")
		}
	}
	return out
}

func (l *life) asBefore() {
	t := l.c.t
	t.Helper()
	service, api := l.service(), l.api()
	t.Logf("the longest time without an answer: the Service %.2f s, the API %.2f s", service.Seconds(), api.Seconds())
	if service > 5*time.Second {
		t.Errorf("the Service did not answer for %s", service)
	}
	if limit := map[bool]time.Duration{true: 15 * time.Second, false: 3 * time.Minute}[len(l.machines) > 2]; api > limit {
		t.Errorf("the API did not answer for %s", api)
	}
	if now := l.livingPods(); now != l.pods {
		t.Errorf("the workload's pods did not live on:\n%s\n%s", l.pods, now)
	}
	if now := l.members(); now != l.member {
		t.Errorf("etcd has other members:\n%s\n%s", l.member, now)
	}
	if got := l.c.exec("w-1", "curl", "-sk", "-H", "Authorization: Bearer "+l.token, "-o", "/dev/null", "-w", "%{http_code}", "https://"+l.c.net+".1:6443/api/v1/namespaces/default/pods"); got != "200" {
		t.Errorf("a token of before is answered with %s", got)
	}
}

// gap asks until it is told to stop, and then gives the longest time between two answers.
func gap(do func() error) (stop func() time.Duration) {
	ctx, cancel := context.WithCancel(context.Background())
	out := make(chan time.Duration, 1)
	go func() {
		var longest time.Duration
		last := time.Now()
		for ctx.Err() == nil {
			if do() == nil {
				longest, last = max(longest, time.Since(last)), time.Now()
			}
			time.Sleep(50 * time.Millisecond)
		}
		out <- max(longest, time.Since(last))
	}()
	return func() time.Duration { cancel(); return <-out }
}

func ask(url string) error {
	out, err := exec.Command("curl", "-sk", "--max-time", "2", "-o", "/dev/null", "-w", "%{http_code}", url).Output()
	if err == nil && string(out) != "200" {
		err = errors.New(string(out))
	}
	return err
}

// goesOn uses the cluster as Slipway's: pods come and get addresses of their own, Secrets are sealed, old ones are read.
func (c *cluster) goesOn(machines []string) {
	t := c.t
	t.Helper()
	c.kubectl("scale", "deployment/web", "--replicas=6")
	c.kubectl("rollout", "status", "deployment/web", "--timeout=120s")
	addresses := strings.Fields(c.kubectl("get", "pods", "-A", "-o", "jsonpath={range .items[?(@.spec.hostNetwork!=true)]}{.status.podIP} {end}"))
	slices.Sort(addresses)
	if len(slices.Compact(slices.Clone(addresses))) != len(addresses) {
		t.Errorf("two pods have one address: %q", addresses)
	}
	if got := c.kubectl("get", "secret", "precious", "-o", "jsonpath={.data.word}"); got != "bWFyemlwYW4=" {
		t.Errorf("the Secret of before is %q", got)
	}
	c.kubectl("create", "secret", "generic", "sealed", "--from-literal=word=marzipan")
	raw := c.exec("cp-1", "sh", "-c", "etcdctl --endpoints https://127.0.0.1:2379 --cacert /etc/kubernetes/pki/etcd/ca.crt --cert /etc/kubernetes/pki/etcd/healthcheck-client.crt --key /etc/kubernetes/pki/etcd/healthcheck-client.key get /registry/secrets/default/sealed | tr -cd '[:print:]'")
	if strings.Contains(raw, "marzipan") || !strings.Contains(raw, "secretbox") {
		t.Errorf("a new Secret lies in etcd unsealed:\n%s", raw)
	}
	for _, m := range machines {
		if got := strings.Fields(c.exec(m, "sh", "-c", "cd /etc/cni/net.d; ls *.conflist")); !slices.Equal(got, []string{"10-slipway.conflist"}) {
			t.Errorf("%s has the networks %q", m, got)
		}
		c.kubectl("get", "--raw", "/api/v1/nodes/"+m+"/proxy/healthz") // the kubelet's serving certificate is checked
	}
}

// leavesNothing destroys the cluster: nothing of it or of Slipway is left, what packages brought is there, and what kubeadm
// had written is kept aside.
func (c *cluster) leavesNothing(file string, machines []string) {
	t := c.t
	t.Helper()
	if out := c.want(0, "destroy", "-f", file, "--yes", "--purge"); !strings.Contains(out, "/var/lib/slipway-removed/kubeadm-") {
		t.Errorf("destroy does not tell where kubeadm's files are:\n%s", out)
	}
	for _, m := range machines {
		const script = `ls -d /var/lib/slipway /etc/kubernetes/* /var/lib/kubelet/* /var/lib/etcd/* /etc/systemd/system/kubelet* /etc/systemd/system/containerd* 2>/dev/null
ps -eo comm= | grep -E 'kube|etcd|haproxy|keepalived|coredns|flannel|pause'; ip -o link | grep -o 'cni0\|flannel.1'
test -s /var/lib/slipway-removed/kubeadm-*/etc/kubernetes/kubelet.conf || echo nothing is kept
systemctl show -p FragmentPath --value containerd kubelet; systemctl is-active containerd kubelet; true`
		const want = "/lib/systemd/system/containerd.service\n\n/lib/systemd/system/kubelet.service\nactive\ninactive\n"
		if got := c.exec(m, "bash", "-c", script); strings.ReplaceAll(got, "/usr/lib/", "/lib/") != want {
			t.Errorf("left on %s:\n%s", m, got)
		}
	}
}
