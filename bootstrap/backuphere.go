package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/slipway/slipway/internal/backup"
	"github.com/slipway/slipway/internal/etcd"
	"github.com/slipway/slipway/internal/kube"
	"github.com/slipway/slipway/internal/layout"
	"github.com/slipway/slipway/pki"
)

// BackUpHere makes an archive on this control plane, which timers start, if it is its turn: nil if not. What comes of it is told
// beside an error, too, and kept for slipway status.
func BackUpHere(ctx context.Context, slipway string) (*backup.Turn, error) {
	return turnFilesHere().inTurn(ctx, backup.Making, func(m *backup.Maker) (*backup.Turn, error) {
		m.Slipway = slipway
		return m.Make(ctx)
	})
}

// VerifyHere proves the newest archive on this control plane, if it is its turn, by prove: see backup.Maker.
func VerifyHere(ctx context.Context, prove func(ctx context.Context, path string, keys map[string][]byte) (backup.Proof, error)) (*backup.Turn, error) {
	return turnFilesHere().inTurn(ctx, backup.Proving, func(m *backup.Maker) (*backup.Turn, error) {
		m.Prove = prove
		return m.Check(ctx)
	})
}

// turnFiles are where a control plane finds what it takes its turns with.
type turnFiles struct{ settings, history, credentials string }

func turnFilesHere() turnFiles {
	return turnFiles{backup.SettingsPath, backup.HistoryPath, backup.CredentialsPath}
}

// inTurn does the work with what lies on this machine. That something is missing is kept for slipway status, too: nobody reads what a
// timer has started, and another machine's turn does not tell that this one would fail.
func (f turnFiles) inTurn(ctx context.Context, kind backup.Kind, work func(*backup.Maker) (*backup.Turn, error)) (_ *backup.Turn, err error) {
	s, err := backup.ReadSettings(f.settings)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: this machine makes no archives by schedule; the backup block of the cluster's file says when it is to", err)
	}
	var m *backup.Maker
	if err == nil {
		m, err = f.maker(ctx, s)
	}
	if err != nil {
		if s.Node == "" { // nothing of the settings can be relied upon
			s.Node, _ = os.Hostname() // a machine without a name is told of without one
		}
		t, unkept := kind.NotBegun(f.history, s.Node, err)
		return t, errors.Join(err, unkept)
	}
	defer func() { err = errors.Join(err, m.Member.Close()) }()
	return work(m)
}

// maker is this machine as one that makes archives, and proves them.
func (f turnFiles) maker(ctx context.Context, s backup.Settings) (*backup.Maker, error) {
	files, err := readFiles(append(pki.LastingPaths(), etcdClientPaths()...))
	if err != nil {
		return nil, fmt.Errorf("%w: apply the cluster's file again", err)
	}
	paths := etcdClientPaths()
	member, err := etcd.Connect(etcd.Access{Endpoint: s.Etcd, CA: files[paths[0]], Cert: files[paths[1]], Key: files[paths[2]]})
	if err != nil {
		return nil, err
	}
	lasting := map[string][]byte{}
	for _, path := range pki.LastingPaths() {
		lasting[path] = files[path]
	}
	return &backup.Maker{
		Settings: s, Member: member, Files: lasting, Kubernetes: runningHere(ctx, s), Credentials: f.credentials, History: f.history,
		Due: backup.Due, Free: backup.Free,
	}, nil
}

// etcdClientPaths are the authority of etcd, and the certificate and key of a client of it, on a control plane.
func etcdClientPaths() []string {
	const dir = layout.EtcdPKI + "/"
	return []string{dir + "ca.crt", dir + "healthcheck-client.crt", dir + "healthcheck-client.key"}
}

func readFiles(paths []string) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		files[path] = text
	}
	return files, nil
}

// runningHere is the version that runs, which the declaration may be ahead of; an API server that is down is no reason to have no backup.
func runningHere(ctx context.Context, s backup.Settings) string {
	client, err := kube.ConnectAs(layout.AdminConf)
	if err != nil {
		return s.Kubernetes
	}
	version, err := client.Version(ctx)
	if err != nil {
		return s.Kubernetes
	}
	return version
}
