package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"
	"k8s.io/klog/v2"

	"github.com/slipway/slipway/bootstrap"
	"github.com/slipway/slipway/internal/drill"
	"github.com/slipway/slipway/internal/spec"
)

func newDrill() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "drill",
		Short: "Do something to a cluster under load, and see what clients notice",
		Long: `A drill runs a small, steady load on a cluster, does something to the cluster meanwhile, and reports every request that
failed or was slow, with the stage and the node that was at work.

The load is in the namespace slipway-drill, which is made for it and removed at the end: writers and readers of the API
through its endpoint with a new connection for each request, a watch that must miss nothing, and a Service of two pods
that is polled through kube-proxy on every node. Afterwards every acknowledged write must be there, and every ConfigMap,
Secret and Deployment of before as it was.

Those of etcd break the cluster on purpose and see it come back. They are for clusters that are there for it.

A cluster must agree to it: drill { allow = ["upgrade"] } in its file, or --agree with its name.`,
	}
	cmd.AddCommand(newDrillUpgrade(), newDrillWatch())
	for _, d := range etcdDrills() {
		cmd.AddCommand(newDrillEtcd(d))
	}
	return cmd
}

// drillFlags are those of every drill.
type drillFlags struct {
	clusterFlags
	how        bootstrap.Drill
	agree      string
	page, json string
	rate       float64 // that the drill has unless another is asked for; 0: 20
}

func (f *drillFlags) add(cmd *cobra.Command) {
	f.clusterFlags.add(cmd)
	flags := cmd.Flags()
	flags.Float64Var(&f.how.Rate, "rate", cmp.Or(f.rate, 20), "requests of the API per second, half of them writes, 1 to 500")
	flags.Float64Var(&f.how.PollRate, "services-rate", 2, "polls of the Service per second and node, 0.1 to 50")
	flags.StringVar(&f.agree, "agree", "", "the cluster's name: agree to the drill where its file does not")
	flags.StringVar(&f.page, "report", "", "also write the report to a file, as one HTML page with the timeline drawn")
	flags.StringVar(&f.json, "json", "", "also write the report to a file, as JSON")
	_ = cmd.MarkFlagFilename("report", "html") // fails only for a flag that does not exist
	_ = cmd.MarkFlagFilename("json", "json")
}

// check refuses before anything is done what would be found out at the end.
func (f *drillFlags) check() error {
	var wrong []string
	if f.how.Rate < 1 || f.how.Rate > 500 {
		wrong = append(wrong, fmt.Sprintf("--rate %g is not between 1 and 500", f.how.Rate))
	}
	if f.how.PollRate < 0.1 || f.how.PollRate > 50 {
		wrong = append(wrong, fmt.Sprintf("--services-rate %g is not between 0.1 and 50", f.how.PollRate))
	}
	if f.how.Calm < 0 || f.how.Calm > time.Hour {
		wrong = append(wrong, fmt.Sprintf("--calm %s is not between 0s and 1h", f.how.Calm))
	}
	for _, path := range []string{f.page, f.json} {
		if path == "" {
			continue
		}
		t, err := renameio.NewPendingFile(path)
		if err != nil {
			wrong = append(wrong, fmt.Sprintf("the report cannot be written to %s: %v", path, err))
			continue
		}
		_ = t.Cleanup() // it was only to see whether it can be made
	}
	if len(wrong) > 0 {
		return &exitError{exitSpec, errors.New(strings.Join(wrong, "; "))}
	}
	return nil
}

// run has c drilled and shows the report, also that of a drill that ended early.
func (f *drillFlags) run(cmd *cobra.Command, c *spec.Cluster, name string, open opener, do func(*bootstrap.Run) (*drill.Report, error)) (*drill.Report, error) {
	o, err := output(cmd)
	if err != nil {
		return nil, err
	}
	if err := c.Agree(name, f.agree); err != nil {
		return nil, &exitError{exitSpec, err}
	}
	klog.SetLogger(klog.Logger{}) // client-go writes to stderr otherwise, about connections whose end is what is looked for
	var report *drill.Report
	_, err = followOn(o, c, f.timeout, "drill "+name, true, open, func(r *bootstrap.Run) (err error) {
		report, err = do(r)
		return err
	})
	if report == nil {
		return nil, err
	}
	err = errors.Join(err, o.Drill(report), f.write(report))
	for _, path := range []string{f.page, f.json} {
		if path != "" {
			o.Note("The report is in %s.", path)
		}
	}
	if err == nil && !report.Met {
		var missed []string
		for _, g := range report.Missed() {
			missed = append(missed, fmt.Sprintf("%s: %s, and the goal is %s", g.Name, g.Got, g.Want))
		}
		err = &exitError{exitGoals, errors.New("the drill went through, and missed " + strings.Join(missed, "; "))}
	}
	return report, err
}

// write puts the report into the files that were asked for.
func (f *drillFlags) write(r *drill.Report) error {
	var failed []error
	if f.page != "" {
		failed = append(failed, writeFile(f.page, r.HTML))
	}
	if f.json != "" {
		failed = append(failed, writeFile(f.json, func(w io.Writer) error {
			enc := json.NewEncoder(w)
			enc.SetIndent("", " ")
			return enc.Encode(r)
		}))
	}
	return errors.Join(failed...)
}

// writeFile puts a file in place that is whole or not there.
func writeFile(path string, write func(io.Writer) error) (err error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	t, err := renameio.NewPendingFile(abs, renameio.WithPermissions(0o644))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Cleanup()) }() // nothing where it was put in its place
	if err := write(t); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return t.CloseAtomicallyReplace()
}
