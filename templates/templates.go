// Package templates holds the text files that Slipway writes on machines where no typed form exists:
// systemd units, and the settings of containerd, HAProxy, keepalived and CoreDNS.
package templates

import (
	"bytes"
	"embed"
	"fmt"
	"text/template"
)

//go:embed files
var files embed.FS

// Render fills the template files/name with data. A key that data lacks is an error,
// so that a renamed field cannot leave a hole in a machine's configuration.
func Render(name string, data any) ([]byte, error) {
	text, err := files.ReadFile("files/" + name)
	if err != nil {
		return nil, fmt.Errorf("template %s: %w", name, err)
	}
	t, err := template.New(name).Option("missingkey=error").Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("template %s: %w", name, err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, data); err != nil {
		return nil, fmt.Errorf("template %s: %w", name, err)
	}
	return out.Bytes(), nil
}
