package ui

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"time"
)

// pemWords says how two PEM texts differ, in words, since their letters tell a reader nothing; ok is false where
// neither is one, or what is in them cannot be read. An empty text is a file that is not there.
func pemWords(before, after, to string) (words []string, ok bool) {
	was, wasCerts := certificates(before)
	is, isCerts := certificates(after)
	switch {
	case isCerts && wasCerts && len(was) == 1 && len(is) == 1:
		return []string{"certificate: " + certificateChange(was[0], is[0], to)}, true
	case isCerts && (wasCerts || before == ""):
		return certificateList(was, is), true
	case isCerts:
		return append([]string{"what is there is no certificate"}, certificateList(nil, is)...), true
	}
	oldKey, _ := publicKey(before)
	if newKey, ok := publicKey(after); ok {
		if oldKey == "" {
			oldKey = "(none)"
		}
		return []string{"public key: " + oldKey + " " + to + " " + newKey}, true
	}
	return nil, false
}

// certificates reads a text of certificates and nothing else.
func certificates(text string) (out []*x509.Certificate, ok bool) {
	rest := []byte(text)
	for len(bytes.TrimSpace(rest)) > 0 {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil || block.Type != "CERTIFICATE" {
			return nil, false
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, false
		}
		out = append(out, c)
	}
	return out, len(out) > 0
}

// publicKey is the fingerprint of a text that is one public key.
func publicKey(text string) (string, bool) {
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != "PUBLIC KEY" || len(bytes.TrimSpace(rest)) > 0 {
		return "", false
	}
	sum := sha256.Sum256(block.Bytes)
	return shorten("sha256:" + hex.EncodeToString(sum[:])), true
}

// certificateList tells the certificates that go and those that come, one a line.
func certificateList(was, is []*x509.Certificate) []string {
	var out []string
	list := func(sign string, of, notIn []*x509.Certificate) {
		for _, c := range of {
			if slices.ContainsFunc(notIn, c.Equal) {
				continue
			}
			line := sign + "certificate: subject " + c.Subject.String() + ", expires " + c.NotAfter.UTC().Format(time.DateOnly)
			if names := sans(c); len(names) > 0 {
				line += ", SANs " + strings.Join(names, " ")
			}
			out = append(out, line)
		}
	}
	if len(was) == 0 {
		list("", is, nil)
		return out
	}
	list("- ", was, is)
	list("+ ", is, was)
	return out
}

// certificateChange is what differs between a certificate and the one that takes its place.
func certificateChange(was, is *x509.Certificate, to string) string {
	var out []string
	if a, b := was.Subject.String(), is.Subject.String(); a != b {
		out = append(out, "subject "+a+" "+to+" "+b)
	}
	if a, b := was.Issuer.String(), is.Issuer.String(); a != b {
		out = append(out, "issuer "+a+" "+to+" "+b)
	} else if !bytes.Equal(was.AuthorityKeyId, is.AuthorityKeyId) {
		out = append(out, "signed by another "+is.Issuer.String())
	}
	if !was.NotAfter.Equal(is.NotAfter) {
		layout := time.DateOnly
		if was.NotAfter.UTC().Format(layout) == is.NotAfter.UTC().Format(layout) {
			layout = time.DateTime
		}
		out = append(out, fmt.Sprintf("expires %s %s %s", was.NotAfter.UTC().Format(layout), to, is.NotAfter.UTC().Format(layout)))
	}
	var names []string
	old, now := sans(was), sans(is)
	for _, n := range now {
		if !slices.Contains(old, n) {
			names = append(names, "+"+n)
		}
	}
	for _, n := range old {
		if !slices.Contains(now, n) {
			names = append(names, "-"+n)
		}
	}
	if len(names) > 0 {
		out = append(out, "SANs "+strings.Join(names, " "))
	}
	if !bytes.Equal(was.RawSubjectPublicKeyInfo, is.RawSubjectPublicKeyInfo) {
		out = append(out, "another key")
	}
	if len(out) == 0 {
		out = append(out, "issued anew, with the same subject, SANs, key and expiry")
	}
	return strings.Join(out, ", ")
}

// sans are the names and addresses that a certificate is for.
func sans(c *x509.Certificate) []string {
	out := slices.Clone(c.DNSNames)
	for _, a := range c.IPAddresses {
		out = append(out, a.String())
	}
	return out
}
