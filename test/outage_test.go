//go:build lab || torture

package test

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// outage asks through the shared address, each time by a new connection, until stop is closed, and
// then tells the longest time between two answers.
func (c *cluster) outage(client kubernetes.Interface, stop <-chan struct{}) <-chan time.Duration {
	out := make(chan time.Duration, 1)
	go func() {
		var longest time.Duration
		last := time.Now()
		for {
			select {
			case <-stop:
				out <- max(longest, time.Since(last))
				return
			default:
			}
			if _, err := client.CoreV1().Namespaces().Get(context.Background(), "default", metav1.GetOptions{}); err == nil {
				longest, last = max(longest, time.Since(last)), time.Now()
			}
			time.Sleep(50 * time.Millisecond)
		}
	}()
	return out
}

// whileAskedFor does something, and tells the longest time without an answer through the shared address.
func (c *cluster) whileAskedFor(do func()) time.Duration {
	stop := make(chan struct{})
	outage := c.outage(c.freshly(), stop)
	do()
	close(stop)
	return <-outage
}
