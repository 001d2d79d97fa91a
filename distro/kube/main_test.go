package main

import (
	"slices"
	"testing"
)

func TestChoose(t *testing.T) {
	for _, c := range []struct {
		args []string
		name string
		rest []string
	}{
		{[]string{"/usr/bin/kubelet", "--v=2"}, "kubelet", []string{"/usr/bin/kubelet", "--v=2"}},
		{[]string{"./kube", "kubelet", "--v=2"}, "kubelet", []string{"kubelet", "--v=2"}},
		// A plugin of kubectl's by the name of a program stays kubectl's business.
		{[]string{"kubectl", "kube-proxy"}, "kubectl", []string{"kubectl", "kube-proxy"}},
		{[]string{"kube", "--v=2", "kubelet"}, "", nil},
		{[]string{"kube"}, "", nil},
		{nil, "", nil},
	} {
		name, rest, ok := choose(c.args)
		if name != c.name || !slices.Equal(rest, c.rest) || ok != (c.name != "") {
			t.Errorf("choose(%q) = %q, %q, %v", c.args, name, rest, ok)
		}
	}
}
