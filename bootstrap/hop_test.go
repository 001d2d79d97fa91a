package bootstrap

import (
	"strings"
	"testing"
)

func TestHop(t *testing.T) {
	for _, test := range []struct{ from, to, want string }{
		{"1.34.4", "1.34.4", ""},
		{"1.34.4", "1.35.4", ""},
		{"1.34.3", "1.34.4", ""},
		{"1.34.4", "1.36.3", `Write kubernetes = "1.35.4" first`},
		{"1.33.1", "1.36.3", `Write kubernetes = "1.34.4" first`},
		{"1.30.1", "1.36.3", "There is no bundle of the version between"},
		{"1.36.3", "1.35.4", "slipway rollback"},
		{"1.36.3", "1.36.1", "an apply goes up only"},
		{"what", "1.36.1", "cannot be read"},
	} {
		got := hop(test.from, test.to)
		if test.want == "" && got != "" || !strings.Contains(got, test.want) {
			t.Errorf("%s → %s: %q, want %q", test.from, test.to, got, test.want)
		}
	}
}
