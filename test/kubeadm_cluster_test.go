//go:build lab

package test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/slipway/slipway/components"
	"github.com/slipway/slipway/internal/bundle"
	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/spec"
)

// kubeadmCluster makes a cluster with kubeadm, as its documentation says: the first control plane, then all others at once.
func (c *cluster) kubeadmCluster(machines []string, endpoint string) {
	c.t.Helper()
	config := newKubeadmConfig(kubernetesVersion(), endpoint)
	config.cluster, config.kubelet = "apiServer: {certSANs: [kube.example.com]}\n", "maxPods: 100\n"
	if err := config.learn(c.kubeadm("cp-1", "init --upload-certs", config.init(c))); err != nil {
		c.t.Fatal(err)
	}
	c.parallel(machines[1:], func(m string) error {
		if err := c.place(m, "root/kubeadm.yaml", config.join(c, m)); err != nil {
			return err
		}
		_, err := c.script(m, "kubeadm join --config /root/kubeadm.yaml 2>&1")
		return err
	})
}

func (c *cluster) kubeadm(machine, verb, config string) string {
	c.t.Helper()
	if err := c.place(machine, "root/kubeadm.yaml", config); err != nil {
		c.t.Fatal(err)
	}
	out, err := c.script(machine, "kubeadm "+verb+" --config /root/kubeadm.yaml 2>&1")
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

// place writes a file of a machine.
func (c *cluster) place(machine, path, text string) error {
	path = filepath.Join(c.labDir(), "machines", machine, "root", path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o600)
}

// kubectl runs on the first control plane, as kubeadm's administrator.
func (c *cluster) kubectl(args ...string) string {
	c.t.Helper()
	return c.exec("cp-1", append([]string{"env", "KUBECACHEDIR=/tmp/kube", "KUBECONFIG=/etc/kubernetes/admin.conf", "kubectl"}, args...)...)
}

func (c *cluster) apply(objects string) {
	c.t.Helper()
	if err := c.place("cp-1", "root/objects.yaml", objects); err != nil {
		c.t.Fatal(err)
	}
	c.kubectl("apply", "-f", "/root/objects.yaml")
}

// upstreamFlannel gives the cluster flannel under the names, and with the CNI configuration, of upstream's manifest. Its
// plugin "flannel" hands all to bridge and host-local: what it would hand them is written here, since it is in no module.
func (c *cluster) upstreamFlannel(machines []string, endpoint string) {
	c.t.Helper()
	declared, err := spec.Read("lab.hcl", spec.LoadOptions{NoSSH: true, Growing: true, StateDir: "/nowhere", Text: []byte(fmt.Sprintf(
		"cluster \"lab\" {\n kubernetes = %q\n endpoint = %q\n}\nload_balancer \"external\" {}\nnode \"cp-1\" {\n role = \"control-plane\"\n address = %q\n}\n", kubernetesVersion(), endpoint, c.at("cp-1")))})
	if err != nil {
		c.t.Fatal(err)
	}
	opened, err := bundle.Open(filepath.Join(c.root, "build", "slipway-"+kubernetesVersion()+"-amd64.bundle"))
	if err != nil {
		c.t.Fatal(err)
	}
	defer opened.Close()
	payload := components.Payload{Images: map[string]node.Image{}}
	for _, i := range opened.Manifest().Images {
		payload.Images[i.Name] = *i.Resource().Image
	}
	objects, err := (&components.Input{Cluster: declared, Payload: payload}).Objects()
	if err != nil {
		c.t.Fatal(err)
	}
	text := "apiVersion: v1\nkind: Namespace\nmetadata: {name: kube-flannel, labels: {pod-security.kubernetes.io/enforce: privileged}}\n"
	for _, o := range objects {
		if !strings.Contains(o.GetName(), "flannel") {
			continue
		}
		out, err := yaml.Marshal(o.Object)
		if err != nil {
			c.t.Fatal(err)
		}
		text += "---\n" + string(out)
	}
	text = strings.NewReplacer("namespace: kube-system", "namespace: kube-flannel", "k8s-app: flannel", "app: flannel",
		"kind: ConfigMap\nmetadata:\n  name: flannel", "kind: ConfigMap\nmetadata:\n  name: kube-flannel-cfg", "          name: flannel\n        name: config", "          name: kube-flannel-cfg\n        name: config",
		"- --node-name=", "- --cni-conf-dir=/tmp\n        - --node-name=").Replace(text)
	text = strings.ReplaceAll(text, "kind: DaemonSet\nmetadata:\n  labels:\n    app: flannel\n  name: flannel", "kind: DaemonSet\nmetadata:\n  labels:\n    app: flannel\n  name: kube-flannel-ds")
	c.apply(text)
	for _, m := range machines {
		var subnet string
		eventually(c.t, time.Minute, "the range of "+m, func() error {
			if subnet = strings.TrimSpace(c.kubectl("get", "node", m, "-o", "jsonpath={.spec.podCIDR}")); subnet == "" {
				return fmt.Errorf("none yet")
			}
			return nil
		})
		conflist := fmt.Sprintf(`{"name": "cbr0", "cniVersion": "0.3.1", "plugins": [
  {"type": "bridge", "bridge": "cni0", "isGateway": true, "isDefaultGateway": true, "hairpinMode": true, "mtu": 1450, "ipam": {"type": "host-local", "subnet": %q, "routes": [{"dst": "10.244.0.0/16"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}
]}`, subnet)
		if err := c.place(m, "etc/cni/net.d/10-flannel.conflist", conflist); err != nil {
			c.t.Fatal(err)
		}
	}
}
