package ui

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"testing"
)

// onNode is an error that knows its node and its remedy.
type onNode struct {
	node, remedy string
	error
}

func (e onNode) Node() string   { return e.node }
func (e onNode) Remedy() string { return e.remedy }

// inFile is an error that shows lines of the user's file.
type inFile struct{}

func (inFile) Error() string { return "cluster.hcl:3: no such role" }
func (inFile) Format(w io.Writer, width int, color bool) error {
	_, err := fmt.Fprintf(w, "shown at %d columns, colour %v\n", width, color)
	return err
}
func (inFile) MarshalJSON() ([]byte, error) { return json.Marshal(map[string]int{"line": 3}) }

// whole wraps what it consists of.
type whole struct{ onNode }

func (w whole) Unwrap() error { return w.error }

// TestRemedyOfTheWhole: a remedy for all that failed is told with each part that has none of its own.
func TestRemedyOfTheWhole(t *testing.T) {
	got := Failures(whole{onNode{"", "add --force", fmt.Errorf("leave: %w", errors.Join(errors.New("etcd: no leader"), onNode{"w-1", "buy a disk", errors.New("disk full")}))}})
	if len(got) != 2 || got[0].Remedy != "add --force" || got[1].Remedy != "buy a disk" {
		t.Errorf("%+v", got)
	}
}

func TestErrors(t *testing.T) {
	refused := onNode{"cp-2", "check that sshd runs", errors.New("dial tcp 10.0.0.12:22: connection refused")}
	for name, err := range map[string]error{
		"single": errors.New("no such file: cluster.hcl"),
		"remedy": fmt.Errorf("apply prod: %w", refused),
		"joined": fmt.Errorf("apply prod: %w", errors.Join(
			onNode{"w-1", "free 2.1 GB in /var/lib/containerd,\nor give it a larger disk", errors.New("disk full")},
			refused, refused,
			fmt.Errorf("etcd: %w", errors.Join(errors.New("no leader"), errors.New("cp-1: member: \x1b[31mnot started\x1b[0m\nsee its log"))),
		)),
		"rephrased": fmt.Errorf("%w (and that after %w)", errors.New("second"), errors.New("first")),
		"file":      fmt.Errorf("load: %w", inFile{}),
	} {
		t.Run(name, func(t *testing.T) {
			o, stdout, stderr := output(Text)
			o.Error(err)
			golden(t, "error-"+name+".txt", stderr.String())
			if stdout.Len() > 0 {
				t.Errorf("stdout: %q", stdout)
			}
			o, _, stderr = output(JSON)
			o.Error(err)
			golden(t, "error-"+name+".json", stderr.String())
		})
	}
}
