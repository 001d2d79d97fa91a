//go:build bench

package test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/slipway/slipway/internal/kube"
)

// course is how one side got from bare machines to a cluster.
type course struct {
	total  time.Duration
	busy   float64 // share of all processors' time that was used, 0 to 1
	stages []stretch
	before float64 // how busy the processors were just before, which they should not have been
}

// stretch is one part of a course.
type stretch struct {
	name       string
	note       string // what was done in it
	start, end time.Time
	busy       float64 // as a course's
}

func (s stretch) seconds() float64 { return s.end.Sub(s.start).Seconds() }

// meter samples how busy this machine's processors are. All lab machines share them.
type meter struct {
	stop    context.CancelFunc
	mu      sync.Mutex
	samples []sample
	err     error
}

type sample struct {
	at          time.Time
	used, total float64 // ticks since boot
}

// newMeter samples until the test ends.
func newMeter(t *testing.T) *meter {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	m := &meter{stop: cancel}
	t.Cleanup(cancel)
	m.take()
	go func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				m.take()
			}
		}
	}()
	return m
}

func (m *meter) take() {
	s, err := processors()
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		m.err = err
		return
	}
	m.samples = append(m.samples, s)
}

// processors reads the first line of /proc/stat: user nice system idle iowait irq softirq steal.
func processors() (sample, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return sample{}, err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	var v [8]float64
	if _, err := fmt.Sscanf(line, "cpu %f %f %f %f %f %f %f %f", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7]); err != nil {
		return sample{}, fmt.Errorf("/proc/stat begins with %q: %w", line, err)
	}
	s := sample{at: time.Now()}
	for i, x := range v {
		s.total += x
		if i != 3 && i != 4 {
			s.used += x
		}
	}
	return s, nil
}

// busy is the share of the processors' time that was used between two moments.
func (m *meter) busy(start, end time.Time) (float64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return 0, m.err
	}
	first, last := m.samples[0], m.samples[len(m.samples)-1]
	for _, s := range m.samples {
		if !s.at.After(start) {
			first = s
		}
	}
	for _, s := range m.samples {
		if !s.at.Before(end) {
			last = s
			break
		}
	}
	if last.total <= first.total {
		return 0, nil // shorter than the sampling
	}
	return (last.used - first.used) / (last.total - first.total), nil
}

// fill works out how busy the processors were in all of c, which began at start, and in each of its stages.
func (m *meter) fill(c *course, start time.Time) (err error) {
	if c.busy, err = m.busy(start, start.Add(c.total)); err != nil {
		return err
	}
	for i, s := range c.stages {
		if c.stages[i].busy, err = m.busy(s.start, s.end); err != nil {
			return err
		}
	}
	return nil
}

// dial makes a client of an administrator's kubeconfig.
func dial(kubeconfig []byte) (*kube.Client, error) {
	config, err := clientcmd.RESTConfigFromKubeConfig(kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("kubeconfig: %w", err)
	}
	return kube.Connect(kube.Access{Server: config.Host, CA: config.CAData, Cert: config.CertData, Key: config.KeyData})
}

// whole is nil when the cluster is what either side promises: every node Ready, and of kube-system every
// DaemonSet, Deployment and pod ready.
func whole(ctx context.Context, client *kube.Client) error {
	if err := client.NodesReady(ctx, benchMachines); err != nil {
		return err
	}
	return client.SystemReady(ctx)
}
