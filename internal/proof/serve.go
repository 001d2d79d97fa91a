package proof

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/slipway/slipway/internal/check"
	"github.com/slipway/slipway/internal/etcd"
)

// startWithin is how long a program may take until it serves. On a busy machine with a large database that is minutes.
const startWithin = 5 * time.Minute

// Where the scratch etcd answers: sockets in its working directory, since etcd wants a host and a port in each URL, and takes both
// for the name of the file. Nobody but this user can reach them, and nothing is heard on a network.
const (
	clientSocket = "client:1"
	peerSocket   = "peer:1"
	clientURL    = "unix://" + clientSocket
	peerURL      = "unix://" + peerSocket
)

// serve restores the snapshot with etcdutl and reads it back through etcd and, with the keys or without, an API server.
func (r *run) serve(ctx context.Context) (err error) {
	if err := r.etcdutl(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	began := time.Now()
	server, err := r.start(ctx, "etcd", "etcd",
		"--name=proof", "--data-dir="+r.dir.Path("data"),
		"--listen-client-urls="+clientURL, "--advertise-client-urls="+clientURL,
		"--listen-peer-urls="+peerURL, "--initial-advertise-peer-urls="+peerURL, "--initial-cluster=proof="+peerURL,
		"--unsafe-no-fsync", "--log-level=warn", fmt.Sprintf("--quota-backend-bytes=%d", int64(16)<<30),
	)
	if err != nil {
		return err
	}
	defer server.stop()
	client, err := etcd.ConnectSocket(r.dir.Path(clientSocket))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	if err := r.await(ctx, server, "the restored etcd answers", client.Voting); err != nil {
		return err
	}
	if err := r.compare(ctx, client, began); err != nil {
		return err
	}
	stored, err := client.Registry(ctx, r.report.Manifest.Etcd.Revision)
	if err != nil {
		return err
	}
	r.report.Keys = len(stored.Keys)
	return r.readBack(ctx, stored)
}

// etcdutl restores as a human would, with the very program that lies on control planes.
func (r *run) etcdutl(ctx context.Context) error {
	began := time.Now()
	said, err := r.command(ctx, "etcd", "etcdutl", "snapshot", "restore", r.dir.Path("snapshot.db"),
		"--name=proof", "--data-dir="+r.dir.Path("data"), "--initial-cluster=proof="+peerURL, "--initial-advertise-peer-urls="+peerURL,
	).CombinedOutput()
	if err != nil {
		return fmt.Errorf("archive %s: etcdutl snapshot restore: %w: %s", r.Path, err, said)
	}
	if err := os.Remove(r.dir.Path("snapshot.db")); err != nil { // it takes as much room again
		return err
	}
	r.did("restore the snapshot", "etcdutl snapshot restore", began)
	return nil
}

// compare holds the restored data to what its member said of its own when the archive was made.
func (r *run) compare(ctx context.Context, client *etcd.Client, began time.Time) error {
	was := r.report.Manifest.Etcd
	own, err := client.HashKV(ctx, was.Revision)
	if err != nil {
		return err
	}
	if own.Sum != was.HashKV || own.Compacted != was.CompactRevision {
		return fmt.Errorf("archive %s: the restored data is not what %s held at revision %d: its hash is %d compacted at %d, expected %d compacted at %d",
			r.Path, r.report.Manifest.Node, was.Revision, own.Sum, own.Compacted, was.HashKV, was.CompactRevision)
	}
	status, err := client.Status(ctx)
	if err != nil {
		return err
	}
	r.did("run etcd "+status.Version, fmt.Sprintf("at revision %d its data has the hash %d, as on %s", was.Revision, own.Sum, r.report.Manifest.Node), began)
	return nil
}

// await waits for a program to serve, and no longer than it runs.
func (r *run) await(ctx context.Context, p *program, what string, test func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startWithin, fmt.Errorf("%s did not serve within %s", p.name, startWithin))
	defer cancel()
	go func() {
		select {
		case <-p.ended:
			cancel()
		case <-ctx.Done():
		}
	}()
	err := check.Wait(ctx, r.Sink, check.Condition{Name: what, Test: test})
	if err == nil {
		return nil
	}
	if ended := p.alive(); ended != nil {
		return ended
	}
	return fmt.Errorf("%w; the last that %s said: %s", err, p.name, p.lastWords())
}
