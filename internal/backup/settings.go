package backup

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"github.com/slipway/slipway/internal/archive"
	"github.com/slipway/slipway/internal/layout"
	"github.com/slipway/slipway/internal/store"
)

// Where a control plane finds what it needs to make archives by itself, and where it keeps what came of it.
const (
	SettingsPath    = layout.Settings + "/backup.json"
	CredentialsPath = layout.Settings + "/s3-credentials" // in the form of AWS's shared credentials
	HistoryPath     = layout.Home + "/backup/last.json"
)

// SettingsVersion is the version of Settings that this program writes and reads.
const SettingsVersion = 1

// Settings are what a control plane needs to know to make archives by itself. Nothing in them is secret.
type Settings struct {
	Version    int             `json:"version"`
	Node       string          `json:"node"`
	Etcd       string          `json:"etcd"` // URL of the machine's own member
	Cluster    archive.Cluster `json:"cluster"`
	Kubernetes string          `json:"kubernetes"` // version declared
	Schedule   string          `json:"schedule"`   // as systemd takes it
	Verify     string          `json:"verify,omitempty"`
	Retain     int             `json:"retain"`
	Recipients []string        `json:"recipients"`
	Directory  string          `json:"directory"`
	Bucket     *store.Bucket   `json:"s3,omitempty"`
	Spec       string          `json:"spec"` // the cluster's declaration
}

// Encode is s as ReadSettings takes it; the same settings give the same bytes.
func (s Settings) Encode() ([]byte, error) {
	s.Version = SettingsVersion
	text, err := json.MarshalIndent(s, "", "  ")
	return append(text, '\n'), err
}

// ReadSettings reads those at path. The error is fs.ErrNotExist where no archives are made by schedule.
func ReadSettings(path string) (s Settings, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return s, err
	}
	in := json.NewDecoder(bytes.NewReader(text))
	in.DisallowUnknownFields()
	if err := in.Decode(&s); err != nil {
		return s, fmt.Errorf("%s: %w", path, err)
	}
	if s.Version != SettingsVersion {
		return s, fmt.Errorf("%s is of version %d, this program reads %d: apply the cluster's file again", path, s.Version, SettingsVersion)
	}
	return s, nil
}

// Stores are all places that archives go to, the directory first.
func (s Settings) Stores(credentials string) ([]store.Store, error) {
	out := []store.Store{store.Dir(s.Directory)}
	if s.Bucket == nil {
		return out, nil
	}
	objects, err := store.S3(*s.Bucket, credentials)
	if err != nil {
		return nil, err
	}
	return append(out, objects), nil
}

func (s Settings) recipients() (out []archive.Recipient, err error) {
	for _, text := range s.Recipients {
		r, err := archive.ParseRecipient(text)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}
