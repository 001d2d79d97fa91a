package spec

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
)

// evictionSignals are what the kubelet can watch.
// https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/
func evictionSignals() []string {
	return []string{
		"memory.available", "nodefs.available", "nodefs.inodesFree", "imagefs.available", "imagefs.inodesFree",
		"containerfs.available", "containerfs.inodesFree", "pid.available", "allocatableMemory.available",
	}
}

// The kubelet's own thresholds, needed when the file sets only one of the two.
const (
	kubeletImageGCHigh = 85
	kubeletImageGCLow  = 80
)

func (d *draft) readKubelet(s section) {
	var k Kubelet
	// A node's part of the pods' range is a /24, of which the network and the bridge need a few.
	k.MaxPods, _ = s.integer("max_pods", 1, 250, "max_pods")
	high, highOK := s.integer("image_gc_high_threshold_percent", 1, 100, "A percentage of the disk")
	low, lowOK := s.integer("image_gc_low_threshold_percent", 1, 100, "A percentage of the disk")
	k.ImageGCHighThresholdPercent, k.ImageGCLowThresholdPercent = high, low
	if !highOK {
		high = kubeletImageGCHigh
	}
	if !lowOK {
		low = kubeletImageGCLow
	}
	if (highOK || lowOK) && low >= high {
		at := "image_gc_low_threshold_percent"
		if !lowOK {
			at = "image_gc_high_threshold_percent"
		}
		d.errorf(s.at(at), "Image thresholds crossed", "Images are removed from %d %% down to %d %% of the disk, so the low threshold must be the lower (the kubelet's own are %d and %d). Set both.",
			high, low, kubeletImageGCHigh, kubeletImageGCLow)
	}
	pairs, given := s.pairs("eviction_hard")
	if given {
		k.EvictionHard = map[string]string{}
	}
	for _, p := range pairs {
		if !slices.Contains(evictionSignals(), p.key) {
			d.errorf(p.at, "Unknown eviction signal", "The kubelet watches no %q.%s It watches %s.", p.key, suggest(p.key, evictionSignals()), anyOf(evictionSignals()))
			continue
		}
		if wrong := badThreshold(p.value); wrong != "" {
			d.errorf(p.at, "Bad eviction threshold", "%q for %s %s.", p.value, p.key, wrong)
			continue
		}
		k.EvictionHard[p.key] = p.value
	}
	d.Kubelet = k
}

func badThreshold(v string) string {
	const expected = "is neither a share such as \"5%\" nor an amount such as \"100Mi\""
	if share, ok := strings.CutSuffix(v, "%"); ok {
		f, err := strconv.ParseFloat(share, 64)
		if err != nil {
			return expected
		}
		if !(f >= 0 && f < 100) {
			return fmt.Sprintf("is out of range: a share is from 0%% to less than 100%%")
		}
		return ""
	}
	if len(v) > 32 { // no amount is longer, and parsing one is not linear
		return expected
	}
	q, err := resource.ParseQuantity(v)
	if err != nil || q.Sign() < 0 {
		return expected
	}
	return ""
}
