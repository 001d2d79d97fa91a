package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"io"

	"github.com/slipway/slipway/internal/node"
)

// Kill ends programs of the machine's pods at once.
func (a *Agent) Kill(ctx context.Context, programs ...string) error {
	var killed node.Killed
	return a.ask(ctx, node.Kill{Programs: programs}, &killed, "kill")
}

// Sever cuts the machine off the network for a while, but for SSH from where this comes.
func (a *Agent) Sever(ctx context.Context, s node.Sever) error { return a.tell(ctx, s, "sever") }

// Disk tells what etcd's data is on.
func (a *Agent) Disk(ctx context.Context) (node.Disk, error) {
	var out node.Disk
	err := a.ask(ctx, struct{}{}, &out, "disk")
	return out, err
}

// Fill fills it up for a while.
func (a *Agent) Fill(ctx context.Context, f node.Fill) error { return a.tell(ctx, f, "fill") }

// Mend ends what Sever and Fill have begun, before its time.
func (a *Agent) Mend(ctx context.Context) error { return a.tell(ctx, struct{}{}, "mend") }

// tell runs a verb that answers nothing.
func (a *Agent) tell(ctx context.Context, in any, verb string) error {
	text, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return a.call(ctx, bytes.NewReader(text), io.Discard, verb)
}
