package plan

import (
	"fmt"
	"reflect"
)

// Stale says why p, stored earlier, is no longer what now would be done; nil when it still is.
func (p *Plan) Stale(now *Plan) error {
	if p.Cluster != now.Cluster || p.ID != now.ID {
		return fmt.Errorf("the plan is for another cluster (%s %s, not %s %s)", p.Cluster, p.ID, now.Cluster, now.ID)
	}
	if p.Spec != now.Spec {
		return fmt.Errorf("the cluster's file has changed since the plan was made: plan again")
	}
	before := map[string]Node{}
	for _, n := range p.Nodes {
		before[n.Name] = n
	}
	for _, n := range now.Nodes {
		was, known := before[n.Name]
		// Empty and absent are the same; JSON keeps them apart.
		same := len(was.Changes)+len(n.Changes) == 0 || reflect.DeepEqual(was.Changes, n.Changes)
		if !known || was.Removed != n.Removed || !same {
			return fmt.Errorf("%s has changed since the plan was made: plan again", n.Name)
		}
		delete(before, n.Name)
	}
	for name := range before {
		return fmt.Errorf("%s has changed since the plan was made: plan again", name)
	}
	if len(p.Members)+len(now.Members) > 0 && !reflect.DeepEqual(p.Members, now.Members) {
		return fmt.Errorf("etcd's members have changed since the plan was made: plan again")
	}
	if len(p.Objects)+len(now.Objects) > 0 && !reflect.DeepEqual(p.Objects, now.Objects) {
		return fmt.Errorf("the cluster's objects have changed since the plan was made: plan again")
	}
	return nil
}
