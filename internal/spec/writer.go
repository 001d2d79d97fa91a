package spec

import (
	"net/netip"
	"time"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// writer adds to one body. What has its zero value is left out.
type writer struct{ body *hclwrite.Body }

func (w writer) block(name string, labels ...string) writer {
	if len(w.body.Blocks()) > 0 {
		w.body.AppendNewline()
	}
	return writer{w.body.AppendNewBlock(name, labels).Body()}
}

func (w writer) text(name, value string) {
	if value != "" {
		w.body.SetAttributeValue(name, cty.StringVal(value))
	}
}

func (w writer) prefix(name string, value netip.Prefix) {
	if value.IsValid() {
		w.text(name, value.String())
	}
}

func (w writer) duration(name string, value time.Duration) {
	if value != 0 {
		w.text(name, span(value))
	}
}

func (w writer) number(name string, value int) {
	if value != 0 {
		w.body.SetAttributeValue(name, cty.NumberIntVal(int64(value)))
	}
}

func (w writer) texts(name string, values []string) {
	if values == nil {
		return
	}
	list := cty.ListValEmpty(cty.String)
	if len(values) > 0 {
		var items []cty.Value
		for _, v := range values {
			items = append(items, cty.StringVal(v))
		}
		list = cty.ListVal(items)
	}
	w.body.SetAttributeValue(name, list)
}

func (w writer) pairs(name string, values map[string]string) {
	if len(values) == 0 {
		return
	}
	items := map[string]cty.Value{}
	for k, v := range values {
		items[k] = cty.StringVal(v)
	}
	w.body.SetAttributeValue(name, cty.MapVal(items))
}
