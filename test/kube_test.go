//go:build lab || torture || bench

package test

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"k8s.io/client-go/kubernetes"
)

func (c *cluster) client() *kubernetes.Clientset {
	c.t.Helper()
	client, err := kubernetes.NewForConfig(c.config())
	if err != nil {
		c.t.Fatal(err)
	}
	return client
}

// freshly gives a client whose every request opens a connection of its own.
func (c *cluster) freshly() *kubernetes.Clientset {
	c.t.Helper()
	config := c.config()
	config.WrapTransport = func(rt http.RoundTripper) http.RoundTripper {
		if t, ok := rt.(*http.Transport); ok {
			t = t.Clone()
			t.DisableKeepAlives = true
			return t
		}
		return rt
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		c.t.Fatal(err)
	}
	return client
}

// becomesReady waits until allReady: apply has just said so, but on a busy machine a probe may fail at any time.
func (c *cluster) becomesReady(nodes ...string) {
	c.t.Helper()
	client := c.client()
	eventually(c.t, 2*time.Minute, "all nodes and pods ready", func() error { return allReady(client, nodes...) })
}

// becomesHealthy waits until status has nothing to complain of.
func (c *cluster) becomesHealthy(file string) {
	c.t.Helper()
	eventually(c.t, 2*time.Minute, "a healthy status", func() error {
		if r := c.run("status", "-f", file); r.code != 0 {
			return fmt.Errorf("exit %d\n%s%s", r.code, r.stdout, r.stderr)
		}
		return nil
	})
}

// holders are the machines that have the shared address on an interface.
func (c *cluster) holders(machines ...string) []string {
	c.t.Helper()
	var out []string
	for _, m := range machines {
		if strings.Contains(c.exec(m, "ip", "-o", "address"), " "+c.net+".100/") {
			out = append(out, m)
		}
	}
	return out
}
