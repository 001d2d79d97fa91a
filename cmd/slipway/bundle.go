package main

import (
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/slipway/slipway/internal/bundle"
	"github.com/slipway/slipway/internal/ui"
)

func newBundle() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bundle",
		Short: "The one file with everything that runs on the machines: build, inspect, verify",
		Long: `A bundle holds all that a cluster of one Kubernetes version needs on its machines, binaries and
OCI images, in one file. Nothing is ever pulled from a network. Build compiles it from this project's
source tree; the same inputs give the same bytes.`,
	}
	cmd.AddCommand(newBundleBuild(), newBundleInspect(), newBundleVerify())
	return cmd
}

func newBundleBuild() *cobra.Command {
	var o bundle.Options
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "build",
		Short: "Compile the distribution and write a bundle of it",
		Long: `Build compiles each part of the distribution, unpacks the Debian packages that some images need,
and writes the bundle. Parts whose inputs are unchanged are taken from the cache. Needs Go, a C
compiler, and Debian's packages libseccomp-dev and mmdebstrap.`,
		Example: "  slipway bundle build --kubernetes 1.36.3",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := bundle.Parts(o.Kubernetes); err != nil {
				return &exitError{exitSpec, err}
			}
			if o.Output == string(ui.JSON) || o.Output == string(ui.Text) {
				return &exitError{exitSpec, fmt.Errorf("-o is the bundle's file here, and %q hardly its name: use --json, or -o ./%[1]s", o.Output)}
			}
			if o.Output == "" {
				o.Output = filepath.Join("build", bundle.FileName(o.Kubernetes, runtime.GOARCH))
			}
			format := ui.Text
			if asJSON {
				format = ui.JSON
			}
			return buildBundle(cmd, o, ui.New(cmd.OutOrStdout(), cmd.ErrOrStderr(), format))
		},
	}
	versions := bundle.SupportedKubernetes()
	f := cmd.Flags()
	f.StringVar(&o.Kubernetes, "kubernetes", versions[len(versions)-1], "version of Kubernetes: "+strings.Join(versions, ", "))
	f.StringVar(&o.Distro, "distro", "distro", "folder of the distribution's modules")
	f.StringVar(&o.Cache, "cache", filepath.Join("build", "cache"), "folder of what is used again by the next build")
	// The file is what this verb puts out, so -o means it here, as with every compiler.
	f.StringVarP(&o.Output, "output", "o", "", "the bundle's file (default build/slipway-VERSION-ARCH.bundle)")
	f.BoolVar(&asJSON, "json", false, "print events and the report as JSON")
	return cmd
}

func buildBundle(cmd *cobra.Command, o bundle.Options, out *ui.Output) error {
	feed := out.Follow(ui.Course{Title: "bundle " + o.Kubernetes, Query: true})
	defer feed.Close()
	report, err := bundle.Build(cmd.Context(), o, feed)
	feed.Close()
	if err != nil {
		return err
	}
	return out.Value(report, report.Print)
}

func newBundleInspect() *cobra.Command {
	return &cobra.Command{
		Use:   "inspect FILE",
		Short: "Show what a bundle holds: parts, versions, sizes, and what each role is sent",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			out, err := bundleOutput(cmd)
			if err != nil {
				return err
			}
			b, err := bundle.Open(args[0])
			if err != nil {
				return err
			}
			defer b.Close()
			return out.Value(b.Manifest(), b.Manifest().Print)
		},
	}
}

func newBundleVerify() *cobra.Command {
	return &cobra.Command{
		Use:   "verify FILE",
		Short: "Read a whole bundle and name every byte that is not as it was built",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			out, err := bundleOutput(cmd)
			if err != nil {
				return err
			}
			b, err := bundle.Open(args[0])
			if err != nil {
				return err
			}
			defer b.Close()
			feed := out.Follow(ui.Course{Title: "verify " + args[0], Query: true})
			defer feed.Close()
			err = b.Verify(cmd.Context(), feed)
			feed.Close()
			if err != nil {
				return err
			}
			verdict := struct {
				Path   string `json:"path"`
				Digest string `json:"digest"`
			}{args[0], b.Manifest().Digest}
			return out.Value(verdict, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "%s is whole: %s\n", verdict.Path, verdict.Digest)
				return err
			})
		},
	}
}

func bundleOutput(cmd *cobra.Command) (*ui.Output, error) {
	value, err := cmd.Flags().GetString("output")
	if err != nil {
		return nil, err
	}
	format, err := ui.ParseFormat(value)
	if err != nil {
		return nil, &exitError{exitSpec, err}
	}
	return ui.New(cmd.OutOrStdout(), cmd.ErrOrStderr(), format), nil
}
