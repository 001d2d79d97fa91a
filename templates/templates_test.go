package templates

import (
	"io/fs"
	"strings"
	"testing"
	"text/template"
)

// Every embedded file must parse, and a missing key must be refused rather than left empty.
func TestEveryTemplateParses(t *testing.T) {
	err := fs.WalkDir(files, "files", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := files.ReadFile(path)
		if err != nil {
			return err
		}
		_, err = template.New(path).Parse(string(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestMissingKeyIsAnError(t *testing.T) {
	_, err := Render("kubelet.service", map[string]any{})
	if err == nil || !strings.Contains(err.Error(), "kubelet.service") {
		t.Fatalf("Render without data: got %v, want an error that names the template", err)
	}
}
