//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/slipway/slipway/internal/lab"
)

// labMachines makes the list of machines out of lab up's flags.
func labMachines(subnet netip.Prefix, nodes map[string]string, controlPlanes, workers int) ([]lab.Machine, error) {
	var machines []lab.Machine
	var faults []error
	for name, address := range nodes {
		a, err := netip.ParseAddr(address)
		if err != nil {
			faults = append(faults, fmt.Errorf("--nodes %s: %w", name, err))
		}
		machines = append(machines, lab.Machine{Name: name, Address: a})
	}
	slices.SortFunc(machines, func(a, b lab.Machine) int { return a.Address.Compare(b.Address) })
	for _, row := range []struct {
		flag, prefix string
		count, first int
	}{{"--control-planes", "cp-", controlPlanes, 11}, {"--workers", "w-", workers, 21}} {
		if row.count < 0 || row.count > 10 && row.flag == "--control-planes" || row.count > 200 {
			faults = append(faults, fmt.Errorf("%s %d: the lab has room for 10 control planes and 200 workers", row.flag, row.count))
			continue
		}
		address := subnet.Masked().Addr()
		for range row.first - 1 {
			address = address.Next()
		}
		for i := range row.count {
			address = address.Next()
			machines = append(machines, lab.Machine{Name: fmt.Sprintf("%s%d", row.prefix, i+1), Address: address})
		}
	}
	if len(machines) == 0 && len(faults) == 0 {
		faults = append(faults, errors.New("no machines: say --control-planes 3 --workers 2, or --nodes name=address,…"))
	}
	return machines, errors.Join(faults...)
}

func newLabList() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "Show the lab's machines and how they are",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := openLab(cmd)
			if err != nil {
				return err
			}
			all, err := l.List()
			if err != nil {
				return err
			}
			if output, err := cmd.Flags().GetString("output"); err == nil && output == "json" {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(all)
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "NAME\tADDRESS\tSTATE\tCABLE\tVETH\tPID")
			for _, s := range all {
				state, cable := "off", "-"
				if s.On {
					state, cable = "on", "plugged in"
				}
				if s.Cut {
					cable = "cut"
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\n", s.Name, s.Address, state, cable, s.Veth, s.PID)
			}
			return w.Flush()
		},
	}
}

func newLabCheck() *cobra.Command {
	return &cobra.Command{
		Use:   "check [MACHINE…]",
		Short: "Try out that machines can run containers: cgroups, overlay, namespaces, writable kernel interfaces",
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := openLab(cmd)
			if err != nil {
				return err
			}
			if len(args) == 0 {
				for _, m := range l.Machines() {
					args = append(args, m.Name)
				}
			}
			var faults []error
			for _, name := range args {
				faults = append(faults, l.Check(cmd.Context(), name))
			}
			return errors.Join(faults...)
		},
	}
}
