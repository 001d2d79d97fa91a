package bootstrap

import (
	"testing"

	"github.com/slipway/slipway/templates"
)

// TestSharedAddress: reset finds the endpoint's address in keepalived's file, and nothing else in it.
func TestSharedAddress(t *testing.T) {
	text, err := templates.Render("keepalived.conf", map[string]any{
		"Node": "cp-1", "Interface": "eth0.100", "RouterID": 51, "Priority": 200,
		"Address": "10.0.0.11", "Peers": []string{"10.0.0.12", "10.0.0.13"}, "VIP": "10.0.0.100/32",
	})
	if err != nil {
		t.Fatal(err)
	}
	all := shared.FindAllSubmatch(text, -1)
	if len(all) != 1 || string(all[0][1]) != "10.0.0.100" {
		t.Errorf("found %q in\n%s", all, text)
	}
}
