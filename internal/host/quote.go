package host

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// maxLine is what Linux allows one argument (MAX_ARG_STRLEN, with its NUL), and the whole command
// line is one argument of the remote user's shell.
const maxLine = 128 << 10

// check refuses what no machine could run.
func (c Command) check() error {
	if len(c.Args) == 0 || c.Args[0] == "" {
		return errors.New("run: no program named")
	}
	for i, a := range c.Args {
		if strings.ContainsRune(a, 0) {
			return fmt.Errorf("run %s: argument %d holds a NUL byte, which no program can receive", c.Args[0], i)
		}
	}
	return nil
}

// quoteAll renders args as one line that a POSIX shell splits back into exactly args.
func quoteAll(args ...string) string {
	words := make([]string, len(args))
	for i, a := range args {
		words[i] = quote(a)
	}
	return strings.Join(words, " ")
}

func quote(s string) string {
	if s != "" && !slices.ContainsFunc([]byte(s), special) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// special reports whether some shell gives c a meaning; when in doubt it does.
func special(c byte) bool {
	plain := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		strings.IndexByte("_-./:,@+", c) >= 0
	return !plain
}
