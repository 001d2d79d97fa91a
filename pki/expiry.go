package pki

import "time"

// Expiry is when one certificate ends.
type Expiry struct {
	Node     string    `json:"node,omitempty"` // "" for authorities and shared leaves
	Name     string    `json:"name"`
	NotAfter time.Time `json:"notAfter"`
	CA       bool      `json:"ca,omitempty"`
}

// Expiries lists the end of each certificate: authorities first, then leaves by node in the table's order.
// What cannot be parsed is listed with a zero time.
func (s *Set) Expiries() []Expiry {
	var out []Expiry
	add := func(node, name string, kp KeyPair, ca bool) {
		e := Expiry{Node: node, Name: name, CA: ca}
		if cert, err := kp.parse(); err == nil {
			e.NotAfter = cert.NotAfter
		}
		out = append(out, e)
	}
	for _, a := range Authorities() {
		if kp, ok := s.authorities[a.Name]; ok {
			add("", a.Name, kp, true)
		}
	}
	for _, node := range s.nodes() {
		for _, l := range Table() {
			if kp, ok := s.leaves[node][l.Name]; ok {
				add(node, l.Name, kp, false)
			}
		}
	}
	return out
}
