package components

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/slipway/slipway/internal/layout"
	"github.com/slipway/slipway/internal/node"
)

// forceFlag makes an etcd member, when it starts, the only one of its cluster, whoever was in it before. It must never stay in a
// manifest: with each start the member would throw out all others again.
const forceFlag = "--force-new-cluster=true"

// ForceNewCluster is the State of a control plane's etcd alone, by the manifest that the machine has, so that it starts as the only
// member of its cluster.
func ForceNewCluster(cluster, name string, manifest []byte) (node.State, error) {
	var pod corev1.Pod
	if err := yaml.UnmarshalStrict(manifest, &pod); err != nil {
		return node.State{}, fmt.Errorf("the manifest of etcd on %s: %w", name, err)
	}
	if len(pod.Spec.Containers) != 1 || len(pod.Spec.Containers[0].Command) == 0 {
		return node.State{}, fmt.Errorf("the manifest of etcd on %s has not one container with a command", name)
	}
	command := &pod.Spec.Containers[0].Command
	if !slices.Contains(*command, forceFlag) {
		*command = append(*command, forceFlag)
	}
	// Another pod to the kubelet, which is known to run by another mark.
	sum := sha256.Sum256([]byte(string(pod.UID) + forceFlag))
	pod.UID = types.UID(hex.EncodeToString(sum[:])[:32])
	if pod.Annotations == nil {
		pod.Annotations = map[string]string{}
	}
	pod.Annotations[InputsAnnotation] = hex.EncodeToString(sum[:])
	text, err := encode(&pod)
	if err != nil {
		return node.State{}, err
	}
	return Manifest(cluster, name, "etcd", text), nil
}

// Manifest is the State of one static pod alone, as its manifest says.
func Manifest(cluster, name, pod string, text []byte) node.State {
	return node.State{
		Version: node.StateVersion, Cluster: cluster, Node: name, Part: true,
		Resources: []node.Resource{textFile(path.Join(layout.Manifests, pod+".yaml"), 0o600, text)},
	}
}
