package etcd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Latency is what a member needs to bring writes to its disk: 99 of 100 took no longer, since it started.
// https://etcd.io/docs/v3.6/metrics/#disk
type Latency struct {
	Fsync  time.Duration // of the log, before a write is acknowledged
	Commit time.Duration // of the database
}

const (
	fsyncMetric  = "etcd_disk_wal_fsync_duration_seconds"
	commitMetric = "etcd_disk_backend_commit_duration_seconds"
	mostMetrics  = 8 << 20 // bytes
)

// FetchLatency reads a member's metrics at an address that dial reaches, 127.0.0.1:2381 on its own machine.
func FetchLatency(ctx context.Context, address string, dial func(ctx context.Context, network, address string) (net.Conn, error)) (Latency, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/metrics", nil)
	if err != nil {
		return Latency{}, err
	}
	client := http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
	answer, err := client.Do(request)
	if err != nil {
		return Latency{}, fmt.Errorf("etcd's metrics: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return Latency{}, fmt.Errorf("etcd's metrics: %s", answer.Status)
	}
	return readLatency(io.LimitReader(answer.Body, mostMetrics))
}

func readLatency(text io.Reader) (l Latency, err error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(text)
	if err != nil {
		return l, fmt.Errorf("etcd's metrics: %w", err)
	}
	var fsync, commit error
	l.Fsync, fsync = quantile(families[fsyncMetric], 0.99)
	l.Commit, commit = quantile(families[commitMetric], 0.99)
	return l, errors.Join(fsync, commit)
}

// quantile estimates like Prometheus' histogram_quantile: as if what is in a bucket were spread evenly over it.
// https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile
func quantile(family *dto.MetricFamily, q float64) (time.Duration, error) {
	if family == nil || len(family.Metric) == 0 || family.Metric[0].Histogram == nil {
		return 0, errors.New("etcd's metrics lack the duration of its writes to disk")
	}
	h := family.Metric[0].Histogram
	rank := q * float64(h.GetSampleCount())
	if h.GetSampleCount() == 0 {
		return 0, errors.New("etcd has not written to its disk yet")
	}
	var lower, before float64
	for _, b := range h.Bucket {
		upper, count := b.GetUpperBound(), float64(b.GetCumulativeCount())
		if count >= rank {
			if math.IsInf(upper, 1) {
				break // beyond the last bound there is nothing to estimate from
			}
			return seconds(lower + (upper-lower)*(rank-before)/(count-before)), nil
		}
		if !math.IsInf(upper, 1) {
			lower, before = upper, count
		}
	}
	return seconds(lower), nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
