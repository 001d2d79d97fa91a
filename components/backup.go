package components

import (
	"github.com/slipway/slipway/internal/archive"
	"github.com/slipway/slipway/internal/backup"
	"github.com/slipway/slipway/internal/layout"
	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/templates"
)

// ObjectStore is what the operator's files say of the object store that archives go to.
type ObjectStore struct {
	Credentials []byte // in the form of AWS's shared credentials; nil where they are not known
	CA          []byte // PEM; nil for the machines' own authorities
}

// backup is what makes a control plane back the cluster up by itself: a timer, the service that it starts, and what that needs to
// know. Archives are nobody's resource: they stay when all of this goes.
func (in *Input) backup(n spec.Node) ([]node.Resource, error) {
	b := in.Cluster.Backup
	if b == nil || n.Role != spec.ControlPlane {
		return nil, nil
	}
	settings, err := in.backupSettings(n).Encode()
	if err != nil {
		return nil, err
	}
	out := []node.Resource{dir(layout.Settings, 0o755), textFile(backup.SettingsPath, 0o600, settings)}
	if b.S3 != nil && in.ObjectStore.Credentials != nil {
		out = append(out, secretFile(backup.CredentialsPath, in.ObjectStore.Credentials))
	}
	for _, t := range []struct{ name, schedule, verb, description string }{
		{"slipway-backup", b.Schedule, "backup", "Archive of the cluster, made where it is this machine's turn"},
		{"slipway-verify", b.Verify, "verify", "Proof of the cluster's newest archive, where it is this machine's turn"},
	} {
		if t.schedule == "" {
			continue
		}
		resources, err := in.timed(t.name, map[string]any{
			"Name": t.name, "Schedule": t.schedule, "Command": in.Program + " node " + t.verb, "Description": t.description, "Within": int(backup.StartWithin.Seconds()),
		})
		if err != nil {
			return nil, err
		}
		out = append(out, resources...)
	}
	return out, nil
}

// timed is a service that is started by a timer of its name. systemd reads the service's file again when it does the timer's, which
// therefore differs whenever the service's does.
func (in *Input) timed(name string, data map[string]any) ([]node.Resource, error) {
	var out []node.Resource
	for _, kind := range []string{"service", "timer"} {
		text, err := templates.Render("slipway-backup."+kind, data)
		if err != nil {
			return nil, err
		}
		out = append(out, textFile(layout.Units+"/"+name+"."+kind, 0o644, text))
	}
	return append(out, node.Resource{Unit: &node.Unit{Name: name + ".timer", RestartOn: ids(out)}}), nil
}

func (in *Input) backupSettings(n spec.Node) backup.Settings {
	b := in.Cluster.Backup
	s := backup.Settings{
		Node: n.Name, Etcd: httpsURL(n.Address, etcdClientPort),
		Cluster: archive.Cluster{Name: in.Cluster.Name, ID: in.Certs.ClusterID()}, Kubernetes: in.Cluster.Kubernetes,
		Schedule: b.Schedule, Verify: b.Verify, Retain: b.Retain, Recipients: b.Recipients, Directory: b.Directory, Spec: string(spec.Write(in.Cluster)),
	}
	if b.S3 != nil {
		s.Bucket = &store.Bucket{
			Endpoint: b.S3.Endpoint, Name: b.S3.Bucket, Prefix: b.S3.Prefix, Region: b.S3.Region, Insecure: b.S3.Insecure, CA: in.ObjectStore.CA,
		}
	}
	return s
}
