package components

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// TestForceNewCluster: the forced member is another pod to the kubelet, and nothing else about it differs. Forced twice it is the same.
func TestForceNewCluster(t *testing.T) {
	const manifest = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"etcd","uid":"abc","annotations":{"slipway.dev/inputs":"was"}},"spec":{"containers":[{"name":"etcd","command":["etcd","--name=cp-1"]}]}}`
	s, err := ForceNewCluster("id", "cp-1", []byte(manifest))
	if err != nil {
		t.Fatal(err)
	}
	if !s.Part || s.Cluster != "id" || s.Node != "cp-1" || len(s.Resources) != 1 || s.Resources[0].File.Path != "/etc/kubernetes/manifests/etcd.yaml" {
		t.Fatalf("%+v", s)
	}
	var pod corev1.Pod
	if err := yaml.UnmarshalStrict(s.Resources[0].File.Content, &pod); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(pod.Spec.Containers[0].Command, " "); got != "etcd --name=cp-1 --force-new-cluster=true" {
		t.Errorf("command %q", got)
	}
	if pod.UID == "abc" || pod.Annotations[InputsAnnotation] == "was" {
		t.Errorf("the kubelet would take it for the pod that ran: uid %s, %v", pod.UID, pod.Annotations)
	}
	again, err := ForceNewCluster("id", "cp-1", s.Resources[0].File.Content)
	if err != nil || strings.Count(string(again.Resources[0].File.Content), forceFlag) != 1 {
		t.Errorf("forced twice: %v\n%s", err, again.Resources[0].File.Content)
	}
	for _, bad := range []string{"{", `{"kind":"Pod"}`} {
		if _, err := ForceNewCluster("id", "cp-1", []byte(bad)); err == nil || !strings.Contains(err.Error(), "cp-1") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
