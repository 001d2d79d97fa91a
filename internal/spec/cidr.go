package spec

import (
	"fmt"
	"math/big"
	"net/netip"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/gocty"
)

// cidrHostFunc is cidrhost(prefix, n): the n-th address of a range; a negative n counts from its end.
func cidrHostFunc() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "prefix", Type: cty.String}, {Name: "hostnum", Type: cty.Number}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			p, err := prefixArg(args[0])
			if err != nil {
				return cty.NilVal, function.NewArgError(0, err)
			}
			n := new(big.Int)
			if err := gocty.FromCtyValue(args[1], n); err != nil {
				return cty.NilVal, function.NewArgErrorf(1, "must be a whole number")
			}
			size := new(big.Int).Lsh(big.NewInt(1), uint(p.Addr().BitLen()-p.Bits()))
			if n.Sign() < 0 {
				n.Add(n, size)
			}
			if n.Sign() < 0 || n.Cmp(size) >= 0 {
				return cty.NilVal, function.NewArgErrorf(1, "%s has only %s addresses", p, size)
			}
			return cty.StringVal(offset(p.Addr(), n).String()), nil
		},
	})
}

func cidrNetmaskFunc() function.Function {
	return function.New(&function.Spec{
		Params: oneString("prefix"),
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			p, err := prefixArg(args[0])
			if err != nil {
				return cty.NilVal, function.NewArgError(0, err)
			}
			if !p.Addr().Is4() {
				return cty.NilVal, function.NewArgErrorf(0, "IPv6 ranges have no netmask")
			}
			ones := netip.AddrFrom4([4]byte{255, 255, 255, 255})
			return cty.StringVal(netip.PrefixFrom(ones, p.Bits()).Masked().Addr().String()), nil
		},
	})
}

// cidrSubnetFunc is cidrsubnet(prefix, newbits, netnum): the netnum-th part of a range whose mask is newbits longer.
func cidrSubnetFunc() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{
			{Name: "prefix", Type: cty.String}, {Name: "newbits", Type: cty.Number}, {Name: "netnum", Type: cty.Number},
		},
		Type: function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			p, err := prefixArg(args[0])
			if err != nil {
				return cty.NilVal, function.NewArgError(0, err)
			}
			bits, err := newBits(p, args[1])
			if err != nil {
				return cty.NilVal, function.NewArgError(1, err)
			}
			n := new(big.Int)
			if err := gocty.FromCtyValue(args[2], n); err != nil || n.Sign() < 0 {
				return cty.NilVal, function.NewArgErrorf(2, "must be a whole number from 0")
			}
			if n.BitLen() > bits {
				return cty.NilVal, function.NewArgErrorf(2, "%s has only 2^%d subnets of /%d", p, bits, p.Bits()+bits)
			}
			length := p.Bits() + bits
			n.Lsh(n, uint(p.Addr().BitLen()-length))
			return cty.StringVal(netip.PrefixFrom(offset(p.Addr(), n), length).String()), nil
		},
	})
}

// cidrSubnetsFunc is cidrsubnets(prefix, newbits...): consecutive parts of a range, each with its own mask.
func cidrSubnetsFunc() function.Function {
	return function.New(&function.Spec{
		Params:   oneString("prefix"),
		VarParam: &function.Parameter{Name: "newbits", Type: cty.Number},
		Type:     function.StaticReturnType(cty.List(cty.String)),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			p, err := prefixArg(args[0])
			if err != nil {
				return cty.NilVal, function.NewArgError(0, err)
			}
			out, next := []cty.Value{}, new(big.Int)
			end := new(big.Int).Lsh(big.NewInt(1), uint(p.Addr().BitLen()-p.Bits()))
			for i, arg := range args[1:] {
				bits, err := newBits(p, arg)
				if err != nil {
					return cty.NilVal, function.NewArgError(i+1, err)
				}
				length := p.Bits() + bits
				size := new(big.Int).Lsh(big.NewInt(1), uint(p.Addr().BitLen()-length))
				// Round up to a multiple of the size: a range starts only on its own boundary.
				next.Add(next, size).Sub(next, big.NewInt(1)).Div(next, size).Mul(next, size)
				if new(big.Int).Add(next, size).Cmp(end) > 0 {
					return cty.NilVal, function.NewArgErrorf(i+1, "%s has no room left for a /%d", p, length)
				}
				out = append(out, cty.StringVal(netip.PrefixFrom(offset(p.Addr(), next), length).String()))
				next.Add(next, size)
			}
			if len(out) == 0 {
				return cty.ListValEmpty(cty.String), nil
			}
			return cty.ListVal(out), nil
		},
	})
}

func prefixArg(v cty.Value) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(v.AsString())
	if err != nil {
		return p, fmt.Errorf("%q is not a range such as 10.0.0.0/24", v.AsString())
	}
	return p.Masked(), nil
}

func newBits(p netip.Prefix, v cty.Value) (int, error) {
	var bits int
	if err := gocty.FromCtyValue(v, &bits); err != nil || bits < 0 || bits > p.Addr().BitLen()-p.Bits() {
		return 0, fmt.Errorf("must be a whole number from 0 to %d, the bits that %s has left", p.Addr().BitLen()-p.Bits(), p)
	}
	return bits, nil
}

// offset gives the address n after a; n stays within a's range.
func offset(a netip.Addr, n *big.Int) netip.Addr {
	sum := new(big.Int).Add(new(big.Int).SetBytes(a.AsSlice()), n)
	// The length is a's own, so the bytes always make an address.
	out, _ := netip.AddrFromSlice(sum.FillBytes(make([]byte, a.BitLen()/8)))
	return out
}
