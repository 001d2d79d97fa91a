package node

import "fmt"

// ForeignError is a machine that belongs to another cluster.
type ForeignError struct{ Cluster, Node string }

func (e *ForeignError) Error() string {
	return fmt.Sprintf("this machine belongs to another cluster (id %s, as node %s): take it off there by `slipway destroy` with that cluster's file, or by `slipway reset` on this machine", e.Cluster, e.Node)
}
