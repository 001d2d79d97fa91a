package kubeadm

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/slipway/slipway/internal/kube"
	"github.com/slipway/slipway/internal/spec"
)

var update = flag.Bool("update", false, "write the golden files")

// found reads the objects in testdata/NAME.yaml as a cluster, after edit has changed their text.
func found(t *testing.T, name string, edit ...string) *Found {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(edit); i += 2 {
		if !strings.Contains(string(text), edit[i]) {
			t.Fatalf("%s holds no %q", name, edit[i])
		}
	}
	var objects []runtime.Object
	for _, document := range strings.Split(strings.NewReplacer(edit...).Replace(string(text)), "\n---\n") {
		o, _, err := scheme.Codecs.UniversalDeserializer().Decode([]byte(document), nil, nil)
		if err != nil {
			t.Fatalf("%v:\n%s", err, document)
		}
		objects = append(objects, o)
	}
	f, err := Read(context.Background(), &kube.Client{Typed: fake.NewClientset(objects...)})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestExportedFiles holds what is written of clusters to golden files, and each of them to being a file that can be read.
func TestExportedFiles(t *testing.T) {
	for name, edit := range map[string][]string{
		"ha": nil,
		"single": {"cp-2", "w-2", "10.0.0.12", "10.0.0.22", "control-plane: cp-2-is-one", "zone: b", "cp-3", "w-3", "10.0.0.13", "10.0.0.23", "control-plane: cp-3-is-one", "zone: c",
			"controlPlaneEndpoint: api.example.com:6443", "controlPlaneEndpoint: 10.0.0.11:6443"},
		"node-local": {"controlPlaneEndpoint: api.example.com:6443", "controlPlaneEndpoint: 10.0.0.11:6443"},
		"custom": {"maxPods: 0", "maxPods: 200", "mode: \"\"", "mode: ipvs", "encryptionAlgorithm: RSA-2048", "encryptionAlgorithm: RSA-4096", "cache 30 {", "cache 60 {",
			"- --allow-privileged=true", "- --allow-privileged=true\n    - --service-node-port-range=30000-31000\n    - --audit-log-maxage=3", "kubeAPIQPS: 0", "kubeAPIQPS: 90"},
	} {
		c, findings := found(t, "cluster", edit...).Spec()
		if err := Refused(findings); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var text strings.Builder
		for _, f := range findings {
			text.WriteString("# " + f.What + "\n")
		}
		text.Write(spec.Write(c))
		if _, err := spec.Read(name, spec.LoadOptions{NoSSH: true, Growing: true, Text: []byte(text.String())}); err != nil {
			t.Errorf("%s cannot be read: %v", name, err)
		}
		path := filepath.Join("testdata", name+".hcl")
		if *update {
			if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil || string(want) != text.String() {
			t.Errorf("%s (%v):\n%s", path, err, text.String())
		}
	}
}

// TestRefused breaks one thing after the other, and wants it told with a remedy, and nothing else.
func TestRefused(t *testing.T) {
	for want, edit := range map[string][]string{
		"Kubernetes 1.33.0":                     {"v1.36.3", "v1.33.0"},
		"kubelet of w-1 is of version 1.36.2":   {"kubeletVersion: v1.36.3 # w-1", "kubeletVersion: v1.36.2"},
		"linux on arm64":                        {"architecture: amd64 # w-1", "architecture: arm64"},
		"cri-o://1.36":                          {"containerRuntimeVersion: containerd://2.1.0 # w-1", "containerRuntimeVersion: cri-o://1.36"},
		"its etcd is external":                  {"      local:\n        dataDir: /var/lib/etcd", "      external:\n        endpoints: [\"https://10.0.0.9:2379\"]"},
		"of two families":                       {"podSubnet: 10.244.0.0/16", "podSubnet: 10.244.0.0/16,fd00::/48"},
		"has no podSubnet":                      {"      podSubnet: 10.244.0.0/16\n", ""},
		"--encryption-provider-config=/etc/enc": {"- --allow-privileged=true", "- --allow-privileged=true\n    - --encryption-provider-config=/etc/enc"},
		"--feature-gates=X=true":                {"- --allow-privileged=true", "- --allow-privileged=true\n    - --feature-gates=X=true"},
		"--oidc-issuer-url=https://x":           {"- --allow-privileged=true", "- --allow-privileged=true\n    - --oidc-issuer-url=https://x"},
		"--secure-port=8443":                    {"- --secure-port=6443", "- --secure-port=8443"},
		"--service-account-issuer=https://x":    {"- --service-account-issuer=https://kubernetes.default.svc.cluster.local", "- --service-account-issuer=https://x"},
		"its pod network is Calico":             {"name: kube-flannel-ds", "name: calico-node"},
		"flannel's backend is \"wireguard\"":    {"\"Type\": \"vxlan\"", "\"Type\": \"wireguard\""},
		"flannel's backend has VNI: 7":          {"\"Type\": \"vxlan\"", "\"Type\": \"vxlan\", \"VNI\": 7"},
		"chooses its pods by other labels":      {"      k8s-app: kube-dns # selector", "      app: dns"},
		"kube-vip (pod kube-vip-cp-1)":          {"controlPlaneEndpoint: api.example.com:6443", "controlPlaneEndpoint: 10.0.0.100:6443", "image: registry.k8s.io/etcd:3.6.6-0", "image: ghcr.io/kube-vip/kube-vip:v1", "name: etcd-cp-1", "name: kube-vip-cp-1"},
		"swap on":                               {"failSwapOn: true", "failSwapOn: false"},
		"certificates lie in /opt/pki":          {"certificatesDir: /etc/kubernetes/pki", "certificatesDir: /opt/pki"},
	} {
		_, findings := found(t, "cluster", edit...).Spec()
		refused := 0
		for _, f := range findings {
			if !f.Refused {
				continue
			}
			refused++
			if !strings.Contains(f.What, want) || f.Remedy == "" {
				t.Errorf("%s: %+v", want, f)
			}
		}
		if refused != 1 && !strings.Contains(want, "1.33.0") {
			t.Errorf("%s: %d refusals: %+v", want, refused, findings)
		}
	}
}

func TestNotKubeadms(t *testing.T) {
	if f := found(t, "cluster", "name: kubeadm-config", "name: other"); f != nil {
		t.Errorf("a cluster without kubeadm's ConfigMap is read as kubeadm's: %+v", f)
	}
}
