package kubeadm

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/slipway/slipway/internal/layout"
	"github.com/slipway/slipway/internal/spec"
)

// readKubelet takes over the settings that all kubelets share, of which kubeadm writes many empty.
func (r *reading) readKubelet() {
	var known struct {
		MaxPods                     int               `json:"maxPods"`
		EvictionHard                map[string]string `json:"evictionHard"`
		ImageGCHighThresholdPercent int               `json:"imageGCHighThresholdPercent"`
		ImageGCLowThresholdPercent  int               `json:"imageGCLowThresholdPercent"`
		StaticPodPath               string            `json:"staticPodPath"`
		FailSwapOn                  *bool             `json:"failSwapOn"`
	}
	if err := into(r.kubelet, &known); err != nil {
		r.refuse("correct the ConfigMap kube-system/kubelet-config", "the kubelets' settings cannot be read: %v", err)
		return
	}
	r.cluster.Kubelet = spec.Kubelet{
		MaxPods: known.MaxPods, EvictionHard: known.EvictionHard,
		ImageGCHighThresholdPercent: known.ImageGCHighThresholdPercent, ImageGCLowThresholdPercent: known.ImageGCLowThresholdPercent,
	}
	if p := known.StaticPodPath; p != "" && p != layout.Manifests {
		r.refuse("move the manifests to "+layout.Manifests, "the kubelets read static pods from %s", p)
	}
	if known.FailSwapOn != nil && !*known.FailSwapOn {
		r.refuse("drain the nodes and switch swap off: Slipway does so on every machine", "the kubelets run with swap on (failSwapOn: false)")
	}
	said := []string{
		"apiVersion", "kind", "maxPods", "evictionHard", "imageGCHighThresholdPercent", "imageGCLowThresholdPercent", "staticPodPath", "failSwapOn",
		"authentication", "authorization", "cgroupDriver", "clusterDNS", "clusterDomain", "containerRuntimeEndpoint", "failCgroupV1",
		"healthzBindAddress", "healthzPort", "resolvConf", "rotateCertificates", "serverTLSBootstrap", "tlsMinVersion", "seccompDefault",
	}
	for _, key := range slices.Sorted(maps.Keys(r.kubelet)) {
		if value := r.kubelet[key]; !slices.Contains(said, key) && !empty(value) {
			if key == "featureGates" {
				r.refuse("undo it in the cluster first", "the kubelets have feature gates: %s", shown(value))
				continue
			}
			r.tell("kubelet: %s: %s is not set by Slipway", key, shown(value))
		}
	}
}

func (r *reading) readProxy() {
	if len(r.proxy) == 0 {
		r.refuse("Slipway brings its own kube-proxy: make sure that nothing else does its work, and bring it back with kubeadm init phase addon kube-proxy", "it has no kube-proxy")
		return
	}
	r.cluster.Network.Proxy = "iptables"
	if mode, ok := r.proxy["mode"].(string); ok && mode != "" {
		r.cluster.Network.Proxy = mode
	}
	said := []string{"apiVersion", "kind", "mode", "bindAddress", "bindAddressHardFail", "clientConnection", "clusterCIDR", "configSyncPeriod", "conntrack", "healthzBindAddress",
		"metricsBindAddress", "hostnameOverride", "nodePortAddresses"}
	for _, key := range slices.Sorted(maps.Keys(r.proxy)) {
		if value := r.proxy[key]; !slices.Contains(said, key) && !empty(value) {
			r.tell("kube-proxy: %s: %s is not set by Slipway", key, shown(value))
		}
	}
	if addresses := r.proxy["nodePortAddresses"]; !empty(addresses) {
		r.refuse("undo it: node ports then answer on every address of the machines", "kube-proxy has nodePortAddresses: %s", shown(addresses))
	}
}

func into(from map[string]any, to any) error {
	text, err := json.Marshal(from)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, to)
}

// empty reports whether a value says nothing: kubeadm writes every field there is.
func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == "" || v == "0" || v == "0s"
	case bool:
		return !v
	case float64:
		return v == 0
	case int64:
		return v == 0
	case []any:
		return !slices.ContainsFunc(v, func(e any) bool { return !empty(e) })
	case map[string]any:
		for _, e := range v {
			if !empty(e) {
				return false
			}
		}
		return true
	}
	return false
}

func shown(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}
