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
		{[]string{"/usr/local/bin/etcd", "--name=a"}, "etcd", []string{"/usr/local/bin/etcd", "--name=a"}},
		{[]string{"etcd", "grpc-proxy", "start"}, "etcd", []string{"etcd", "grpc-proxy", "start"}},
		{[]string{"/usr/bin/etcdctl", "get", "k"}, "etcdctl", []string{"/usr/bin/etcdctl", "get", "k"}},
		{[]string{"etcd", "etcdutl", "version"}, "etcdutl", []string{"etcdutl", "version"}},
		{[]string{"etcd"}, "etcd", []string{"etcd"}},
	} {
		name, rest := choose(c.args)
		if name != c.name || !slices.Equal(rest, c.rest) {
			t.Errorf("choose(%q) = %q, %q", c.args, name, rest)
		}
	}
}
