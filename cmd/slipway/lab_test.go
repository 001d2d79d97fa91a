//go:build linux

package main

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

func TestLabMachines(t *testing.T) {
	subnet := netip.MustParsePrefix("10.78.0.0/24")
	machines, err := labMachines(subnet, map[string]string{"lb": "10.78.0.5", "a": "10.78.0.4"}, 2, 1)
	var got []string
	for _, m := range machines {
		got = append(got, m.Name+"="+m.Address.String())
	}
	if want := "[a=10.78.0.4 lb=10.78.0.5 cp-1=10.78.0.11 cp-2=10.78.0.12 w-1=10.78.0.21]"; err != nil || fmt.Sprint(got) != want {
		t.Errorf("got %v, %v; want %s", got, err, want)
	}
	for _, c := range []struct {
		nodes                  map[string]string
		controlPlanes, workers int
		want                   string
	}{
		{nil, 0, 0, "no machines"},
		{map[string]string{"a": "10.78.0"}, 0, 0, "--nodes a"},
		{nil, 11, 0, "--control-planes 11"},
		{nil, 1, -1, "--workers -1"},
	} {
		if _, err := labMachines(subnet, c.nodes, c.controlPlanes, c.workers); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
