package spec

import (
	"bytes"
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// secretName reports whether a setting of that name would hold a secret itself
// (sudo_password_file only names the file that does).
func secretName(name string) bool {
	name = strings.ToLower(name)
	if strings.HasSuffix(name, "_file") {
		return false
	}
	for _, s := range []string{"password", "passphrase", "secret", "token"} {
		if strings.Contains(name, s) {
			return true
		}
	}
	return false
}

// redact gives a copy of f that is safe to show in a snippet: what is assigned to a secret's name and the
// bodies of private keys are starred out. Length and lines stay, so that ranges still fit.
// It works on text, since a file may well fail to parse on just that line.
func redact(f *hcl.File) *hcl.File {
	if f == nil {
		return nil
	}
	src := append([]byte{}, f.Bytes...) // not nil when empty: nil means "no source" to the writer
	assigned := regexp.MustCompile(`(?i)([A-Z0-9_-]*(?:password|passphrase|secret|token)[A-Z0-9_-]*)"?[ \t]*[=:][ \t]*`)
	for _, m := range assigned.FindAllSubmatchIndex(src, -1) {
		if secretName(string(src[m[2]:m[3]])) {
			line, _, _ := bytes.Cut(src[m[1]:], []byte("\n"))
			star(line)
		}
	}
	pem := regexp.MustCompile(`(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----(.*?)(?:-----END|$)`)
	for _, m := range pem.FindAllSubmatchIndex(src, -1) {
		star(src[m[2]:m[3]])
	}
	for _, m := range regexp.MustCompile(`AGE-SECRET-KEY-([A-Za-z0-9-]+)`).FindAllSubmatchIndex(src, -1) {
		star(src[m[2]:m[3]])
	}
	return &hcl.File{Body: f.Body, Bytes: src, Nav: f.Nav}
}

func star(b []byte) {
	for i := range b {
		if b[i] != '\n' && b[i] != '\r' {
			b[i] = '*'
		}
	}
}
