package spec

import (
	"net/netip"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"k8s.io/apimachinery/pkg/util/validation"
)

// place is where the parts of one node stand.
type place struct{ head, name, address hcl.Range }

// instance is one node that a node block declares: the block itself, or one turn of its for_each.
type instance struct {
	name string
	each map[string]cty.Value // nil without for_each
}

// readNodes reads every node block, in the file's order and for_each in the order of its keys.
func (d *draft) readNodes() {
	for _, b := range d.file.all("node") {
		for _, in := range d.instances(b) {
			d.readNode(b, in)
		}
	}
}

// instances names what a block declares: its label, or "label-key" for each key of for_each.
func (d *draft) instances(b *block) []instance {
	s := d.section(b, d.scope(nil))
	if !s.has("for_each") {
		return []instance{{name: b.label}}
	}
	v, ok := s.value("for_each")
	if !ok {
		if v, diags := b.attrs["for_each"].Expr.Value(s.scope.ctx); !diags.HasErrors() && v.IsNull() {
			d.errorf(s.at("for_each"), "Nothing to repeat over", "for_each is null. Use an empty map, {}, for no node at all.")
		}
		d.partial = true
		return nil
	}
	t := v.Type()
	if !t.IsMapType() && !t.IsObjectType() && (!t.IsSetType() || t.ElementType() != cty.String) {
		d.errorf(s.at("for_each"), "for_each over the wrong thing",
			"for_each takes a map, or a set of texts, and this is %s. A list becomes a set with toset(…), a number n the map { for i in range(n) : i => … }.", kindOf(t))
		d.partial = true
		return nil
	}
	var out []instance
	for it := v.ElementIterator(); it.Next(); {
		key, value := it.Element()
		if key.IsNull() || value.IsNull() && t.IsSetType() {
			d.errorf(s.at("for_each"), "Null in for_each", "A node cannot be named after null. Remove it.")
			d.partial = true
			continue
		}
		out = append(out, instance{b.label + "-" + key.AsString(), map[string]cty.Value{"key": key, "value": value}})
	}
	return out
}

func (d *draft) readNode(b *block, in instance) {
	s := d.section(b, d.scope(in.each))
	n := Node{Name: in.name, Range: b.defRange}
	at := place{head: b.defRange, name: b.labelRange, address: s.at("address")}
	if s.has("name") {
		at.name = s.at("name")
		name, ok := s.str("name")
		if !ok {
			d.partial = true
			return
		}
		n.Name = name
	}
	if !validNodeName(n.Name) && !b.unlabelled() {
		d.errorf(at.name, "Bad node name", "%q is not a name for a node: expected lower-case letters, digits, - and ., at most 63 in all, beginning and ending with a letter or digit, such as cp-1.%s", n.Name, namedBy(in))
		n.Name = ""
	}
	role := s.choice("role", "", string(ControlPlane), string(Worker), string(LoadBalancer))
	if role == "" {
		d.partial = true
	}
	n.Role = Role(role)
	n.Address = s.nodeAddress()
	if host, ok := s.str("ssh_address"); ok {
		if !validHost(host) {
			d.errorf(s.at("ssh_address"), "Bad SSH address", "%q is neither an IP address nor a DNS name. The port is set by ssh { port = … }.", host)
		}
		n.SSHAddress = host
	}
	n.SSH = d.readSSH(s.sub("ssh"), d.SSH)
	n.Labels = s.labels(n.Role)
	n.Taints = s.taints(n.Role)
	d.Nodes, d.nodes = append(d.Nodes, n), append(d.nodes, at)
}

func namedBy(in instance) string {
	if in.each == nil {
		return ""
	}
	return " It was made of the block's label and for_each's key; set name = … in the block for another."
}

// validNodeName: Kubernetes takes a DNS subdomain, and puts it into a label, which is at most 63 long.
func validNodeName(name string) bool {
	return len(name) <= 63 && len(validation.IsDNS1123Subdomain(name)) == 0
}

// nodeAddress reads the address; the zero Addr when there is none to go on with.
func (s section) nodeAddress() netip.Addr {
	text, ok := s.str("address")
	if !ok {
		return netip.Addr{}
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		s.errorf(s.at("address"), "Bad address", "%q is not an IP address, such as 10.0.0.11. Certificates and etcd need the address itself; a name to reach the machine by goes into ssh_address.", text)
		return netip.Addr{}
	}
	if wrong := unusable(a); wrong != "" {
		s.errorf(s.at("address"), "Bad address", "%s Use the address that the other nodes reach the machine at.", wrong)
		return netip.Addr{}
	}
	return a
}
