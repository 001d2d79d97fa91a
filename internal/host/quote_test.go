package host

import (
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
)

// splitByShell is what a real shell makes of line.
func splitByShell(t *testing.T, line string) string {
	t.Helper()
	out, err := exec.Command("/bin/sh", "-c", `exec printf '%s\0' `+line).Output()
	if err != nil {
		t.Fatalf("sh -c %q: %v", line, err)
	}
	return string(out)
}

func FuzzQuote(f *testing.F) {
	for _, s := range []string{"", "a", "it's", `\`, "$x", "-n", "~root", "a\nb", "\xff\xfe", "=", "!!", "*?[a]", "'", "''''"} {
		f.Add(s, "x")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if strings.ContainsRune(a+b, 0) {
			t.Skip("no argument can hold a NUL byte")
		}
		if got, want := splitByShell(t, quoteAll(a, b)), a+"\x00"+b+"\x00"; got != want {
			t.Errorf("quoteAll(%q, %q) = %s, which sh reads as %q", a, b, quoteAll(a, b), got)
		}
	})
}

func TestQuoteRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		var args []string
		for range 40 {
			b := make([]byte, r.IntN(20))
			for i := range b {
				b[i] = byte(1 + r.IntN(255))
			}
			args = append(args, string(b))
		}
		if got, want := splitByShell(t, quoteAll(args...)), strings.Join(args, "\x00")+"\x00"; got != want {
			t.Errorf("sh reads %q as %q", args, got)
		}
	}
}

func TestQuoteLeavesPlainWords(t *testing.T) {
	if got := quoteAll("/usr/bin/tar", "-C", "/x", "a.b_c"); got != "/usr/bin/tar -C /x a.b_c" {
		t.Errorf("quoted to %s", got)
	}
}

func TestTail(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"short", "a\nb\n", "a\nb\n"},
		{"one long line", strings.Repeat("x", 9000), strings.Repeat("x", tailSize)},
		{"whole lines", strings.Repeat("y", 9000) + "\nlast", "last"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, step := range []int{1, 7, 4096, 9999} {
				var end tail
				for in := []byte(c.in); len(in) > 0; in = in[min(step, len(in)):] {
					end.add(in[:min(step, len(in))])
				}
				if got := end.String(); got != c.want {
					t.Errorf("in steps of %d: kept %q, expected %q", step, got, c.want)
				}
			}
		})
	}
}
