package spec

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"
)

const (
	day  = 24 * time.Hour
	year = 365 * day
)

func (d *draft) readPKI(s section) {
	p := PKI{Algorithm: "ecdsa-p256", CALifetime: 10 * year, Lifetime: year}
	p.Algorithm = s.choice("algorithm", p.Algorithm, "ecdsa-p256", "rsa-2048", "rsa-3072", "rsa-4096")
	ca, caOK := s.duration("ca_lifetime", 10*time.Minute, 100*year)
	if caOK {
		p.CALifetime = ca
	}
	leaf, leafOK := s.duration("lifetime", 10*time.Minute, 100*year)
	if leafOK {
		p.Lifetime = leaf
	}
	if (caOK || !s.has("ca_lifetime")) && (leafOK || !s.has("lifetime")) && p.Lifetime > p.CALifetime {
		at := s.at("lifetime")
		if !leafOK {
			at = s.at("ca_lifetime")
		}
		d.errorf(at, "Certificates would outlive their CA", "lifetime is %s and ca_lifetime is %s; a certificate is worth nothing once its CA has ended. Make ca_lifetime the longer.", span(p.Lifetime), span(p.CALifetime))
	}
	names, _ := s.list("extra_sans")
	for _, n := range names {
		_, err := netip.ParseAddr(n.value)
		isName := !numeric(n.value) && (len(validation.IsDNS1123Subdomain(n.value)) == 0 || len(validation.IsWildcardDNS1123Subdomain(n.value)) == 0)
		if err != nil && !isName {
			d.errorf(n.at, "Bad certificate name", "%q is neither an IP address nor a DNS name in lower case, such as api.example.com or *.example.com.", n.value)
			continue
		}
		p.ExtraSANs = append(p.ExtraSANs, n.value)
	}
	d.PKI = p
}

// duration reads "365d", "8760h", "90m" or "10s".
func (s section) duration(name string, lo, hi time.Duration) (time.Duration, bool) {
	text, ok := s.str(name)
	if !ok {
		return 0, false
	}
	v, err := parseDuration(text)
	if err != nil {
		s.errorf(s.at(name), "Bad duration", "%q is not a length of time: %s.", text, err)
		return 0, false
	}
	if v < lo || v > hi {
		s.errorf(s.at(name), "Duration out of range", "%s must be from %s to %s, and this is %s.", name, span(lo), span(hi), span(v))
		return 0, false
	}
	return v, true
}

func parseDuration(text string) (time.Duration, error) {
	expected := fmt.Errorf("expected a number with a unit, such as 365d, 8760h, 90m or 10s")
	if m := regexp.MustCompile(`^([0-9]{1,6})d$`).FindStringSubmatch(text); m != nil {
		days, err := strconv.Atoi(m[1])
		if err != nil || days > 100*366 {
			return 0, fmt.Errorf("it is longer than 100 years")
		}
		return time.Duration(days) * day, nil
	}
	v, err := time.ParseDuration(text)
	if err != nil {
		return 0, expected
	}
	return v, nil
}

// span prints a duration as it would be written in the file.
func span(v time.Duration) string {
	if v >= day && v%day == 0 {
		return fmt.Sprintf("%dd", v/day)
	}
	if v >= time.Hour && v%time.Hour == 0 {
		return fmt.Sprintf("%dh", v/time.Hour)
	}
	if v >= time.Minute && v%time.Minute == 0 {
		return fmt.Sprintf("%dm", v/time.Minute)
	}
	return v.String()
}
