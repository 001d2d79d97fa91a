package components

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/pmezard/go-difflib/difflib"
	"sigs.k8s.io/yaml"

	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/pki"
)

// TestGolden shows everything that is written on machines and into the API: for the first case in full,
// for the others as what differs from it, so that a reader sees what each choice in the file changes.
// Certificates and keys show as their names, which also proves that each one is in its place.
func TestGolden(t *testing.T) {
	base := map[string]string{}
	for _, name := range cases() {
		in := load(t, name)
		for _, n := range []string{"cp-1", "w-1", "lb-1", "objects"} {
			text, ok := in.text(t, n)
			if !ok {
				continue
			}
			if base[n] == "" {
				base[n] = text
				golden(t, name+"/"+n+".txt", text)
				continue
			}
			golden(t, name+"/"+n+".diff", difference(t, base[n], text))
		}
	}
}

// text is all that in wants of a node, or of the API where name is "objects".
func (in *Input) text(t *testing.T, name string) (string, bool) {
	t.Helper()
	hide := in.hide()
	if name == "objects" {
		return hide(in.objectsText(t)), true
	}
	for _, n := range in.Cluster.Nodes {
		if n.Name != name {
			continue
		}
		s, err := in.State(n)
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		fmt.Fprintf(&out, "version %d of cluster %s on %s\n", s.Version, s.Cluster, s.Node)
		for _, r := range s.Resources {
			show(&out, r)
		}
		return hide(out.String()), true
	}
	return "", false
}

func show(out *strings.Builder, r node.Resource) {
	fmt.Fprintf(out, "\n== %s", r.ID())
	switch {
	case r.Dir != nil:
		fmt.Fprintf(out, " %04o", r.Dir.Mode)
	case r.File != nil:
		fmt.Fprintf(out, " %04o", r.File.Mode)
		if r.File.Secret {
			out.WriteString(" secret")
		}
		out.WriteString("\n" + strings.TrimSuffix(string(r.File.Content), "\n"))
	case r.Binary != nil:
		fmt.Fprintf(out, " %04o %.8s", r.Binary.Mode, r.Binary.SHA256)
		if in := r.Binary.In; in != nil {
			fmt.Fprintf(out, " in %s of image %s", in.Path, in.Ref)
		}
	case r.Image != nil:
		fmt.Fprintf(out, " %.15s", r.Image.Manifest.Digest)
	case r.Unit != nil:
		out.WriteString("\nrestarts on: " + strings.Join(r.Unit.RestartOn, ", "))
	case r.Sysctl != nil:
		out.WriteString(" = " + r.Sysctl.Value)
		if r.Sysctl.Optional {
			out.WriteString(" where it is there")
		}
	}
	out.WriteString("\n")
}

func (in *Input) objectsText(t *testing.T) string {
	t.Helper()
	objects, err := in.Objects()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, o := range objects {
		text, err := yaml.Marshal(o.Object)
		if err != nil {
			t.Fatal(err)
		}
		out.WriteString("---\n" + string(text))
	}
	return out.String()
}

// hide puts names in the place of everything that differs from one run of the test to the next.
func (in *Input) hide() func(string) string {
	var pairs []string
	add := func(content []byte, name string) {
		if len(content) > 0 {
			pairs = append(pairs, strings.TrimSpace(string(content)), "<"+name+">", base64.StdEncoding.EncodeToString(content), "<"+name+">")
		}
	}
	pair := func(kp pki.KeyPair, name string) {
		add(kp.Cert, name+" certificate")
		add(kp.Key, name+" key")
	}
	for _, a := range pki.Authorities() {
		pair(in.Certs.CA(a.Name), a.Name+" authority's")
	}
	pair(in.Certs.ServiceAccount, "service accounts'")
	pair(in.Certs.Shared(pki.Admin), "admin's")
	pair(in.Certs.Shared(pki.SuperAdmin), "super-admin's")
	for _, n := range in.Cluster.Nodes {
		for name, kp := range in.Certs.Node(n.Name) {
			if name != pki.Admin {
				pair(kp, n.Name+"'s "+name)
			}
		}
	}
	add(in.Certs.EncryptionKey, "encryption key")
	if in.Cluster.Backup != nil {
		for _, r := range in.Cluster.Backup.Recipients {
			add([]byte(r), "recipient")
		}
	}
	pairs = append(pairs, in.Certs.ClusterID(), "<cluster id>")
	names := strings.NewReplacer(pairs...)
	inputs := regexp.MustCompile(InputsAnnotation + `: "?[0-9a-f]{32}"?`)
	uids := regexp.MustCompile(`(?m)^(.?\s+)uid: "?[0-9a-f]{32}"?$`)
	return func(s string) string {
		return uids.ReplaceAllString(inputs.ReplaceAllString(names.Replace(s), InputsAnnotation+": <inputs>"), "${1}uid: <of the inputs>")
	}
}

func difference(t *testing.T, before, after string) string {
	t.Helper()
	text, err := difflib.GetUnifiedDiffString(difflib.UnifiedDiff{
		A: difflib.SplitLines(before), B: difflib.SplitLines(after), FromFile: "vip", ToFile: "this", Context: 2,
	})
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`(?m)^@@ .* @@$`).ReplaceAllString(text, "@@")
}

// TestHideLeavesNothing keeps keys out of the golden files.
func TestHideLeavesNothing(t *testing.T) {
	each(t, func(t *testing.T, in *Input, n spec.Node) {
		text, _ := in.text(t, n.Name)
		if i := strings.Index(text, "-----BEGIN"); i >= 0 {
			t.Errorf("an unnamed certificate or key: %.200s", text[i:])
		}
		if key := regexp.MustCompile(`[A-Za-z0-9+/]{60,}`).FindString(text); key != "" {
			t.Errorf("unnamed base64: %.80s", key)
		}
	})
}
