package main

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/klog/v2"

	"github.com/slipway/slipway/bootstrap"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/internal/ui"
)

func newJoin() *cobra.Command {
	var j bootstrap.Joining
	var tokenFile string
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "join ENDPOINT",
		Short: "Make this machine a worker of a cluster, without SSH",
		Long: `Join makes this machine, as root, on the machine itself, a worker of the cluster whose API answers at ENDPOINT.
slipway token create --print-join-command, on a control plane, prints the command.

The token lets the cluster trust this machine, and the hash lets this machine trust the cluster. Neither is kept. The
token can come from a file or, as --token-file -, from standard input, so that it does not show in the list of processes.

It may be interrupted at any moment; running it again finishes. slipway reset takes it all off again.`,
		Example: `  slipway join 10.0.0.100:6443 --token abcdef.0123456789abcdef --ca-hash sha256:1234… --bundle slipway-1.36.3-amd64.bundle
  slipway join 10.0.0.100:6443 --token-file - --ca-hash sha256:1234… < token`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := output(cmd)
			if err != nil {
				return err
			}
			if err := needRoot("join"); err != nil {
				return err
			}
			if j.Endpoint, err = whole(args[0]); err != nil {
				return &exitError{exitSpec, err}
			}
			if tokenFile != "" {
				if j.Token, err = readToken(tokenFile, cmd.InOrStdin()); err != nil {
					return &exitError{exitSpec, err}
				}
			}
			if j.Bundle, err = absolute(j.Bundle); err != nil {
				return err
			}
			klog.SetLogger(klog.Logger{}) // client-go's certificate store writes to stderr otherwise
			feed := o.Follow(ui.Course{Title: "join " + j.Endpoint})
			err = coded(bootstrap.Join(cmd.Context(), j, feed, timeout))
			feed.Close()
			if err != nil {
				return err
			}
			o.Times(feed.Times())
			o.Note("This machine is a node of the cluster.")
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&j.Token, "token", "", "the token")
	flags.StringVar(&tokenFile, "token-file", "", "file that holds the token; - for standard input")
	flags.StringSliceVar(&j.CAHashes, "ca-hash", nil, "hash of the cluster's authority, sha256:…")
	flags.StringVar(&j.Bundle, "bundle", "", "the bundle (default: beside the program, in . or in ./build)")
	flags.StringVar(&j.Node, "node-name", "", "the node's name (default: the host's)")
	flags.TextVar(&j.Address, "address", netip.Addr{}, "this machine's address among the nodes (default: that of the default route)")
	flags.StringToStringVar(&j.Labels, "label", nil, "a label of the node: key=value")
	flags.DurationVar(&timeout, "timeout", 5*time.Minute, "longest wait for any one thing")
	cmd.MarkFlagsMutuallyExclusive("token", "token-file")
	cmd.MarkFlagsOneRequired("token", "token-file")
	_ = cmd.MarkFlagRequired("ca-hash") // fails only for a flag that does not exist
	return cmd
}

// whole is an endpoint with its port.
func whole(text string) (string, error) {
	address, name, err := spec.ParseEndpoint(text)
	if err != nil || name == "" {
		return address.String(), err
	}
	return net.JoinHostPort(name, strconv.Itoa(int(address.Port()))), nil
}

// readToken reads a token from a file, which nobody else may read, or from stdin.
func readToken(path string, stdin io.Reader) (string, error) {
	if path == "-" {
		text, err := io.ReadAll(io.LimitReader(stdin, 1024))
		return strings.TrimSpace(string(text)), err
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("%s can be read by others than its owner: chmod 0600 %s, and make a new token if it was there for long", path, path)
	}
	text, err := os.ReadFile(path)
	return strings.TrimSpace(string(text)), err
}
