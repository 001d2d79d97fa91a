package spec

import (
	"strconv"
	"strings"
	"time"
)

const (
	defaultDrainTimeout = 5 * time.Minute
	defaultGateTimeout  = 3 * time.Minute
	longestDrain        = 24 * time.Hour
)

func (d *draft) readUpgrade(s section) {
	d.Upgrade = Upgrade{MaxUnavailable: "1", DrainTimeout: defaultDrainTimeout, GateTimeout: defaultGateTimeout}
	if text, ok := s.str("max_unavailable"); ok {
		if !validShare(text) {
			d.errorf(s.at("max_unavailable"), "Bad max_unavailable", "%q is neither a number of workers, 1 or more, nor a share of them from 1%% to 100%%, such as \"25%%\".", text)
		}
		d.Upgrade.MaxUnavailable = text
	}
	if t, ok := s.duration("drain_timeout", time.Second, longestDrain); ok {
		d.Upgrade.DrainTimeout = t
	}
	d.Upgrade.DeleteBarePods, _ = s.boolean("delete_bare_pods")
	if t, ok := s.duration("gate_timeout", 30*time.Second, longestDrain); ok {
		d.Upgrade.GateTimeout = t
	}
}

func validShare(text string) bool {
	number, percent := strings.CutSuffix(text, "%")
	n, err := strconv.Atoi(number)
	return err == nil && n >= 1 && (!percent || n <= 100)
}
