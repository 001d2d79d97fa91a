package node

// found is how the machine was before its first converge, for Clean.
type found struct {
	Places  map[string]string `json:"places"`  // of the places that a cluster fills: "absent", "empty" or "used"
	Sysctls map[string]string `json:"sysctls"` // that the kubelet, kube-proxy and plugins set by themselves
}

func (m Machine) look() *found { return &found{} }
