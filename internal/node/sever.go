//go:build linux

package node

import (
	"errors"
	"fmt"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// Sever cuts the machine off. All is in tables of its own, in one transaction, and each rule that drops asks a set whose elements the
// kernel forgets when their time is up: then nothing is dropped any more, even if nobody and nothing on the machine is left to end it.
func (m Machine) Sever(s Sever) error {
	if !s.Peer.IsValid() || s.Port == 0 || s.For <= 0 {
		return errors.New("sever: it takes whose SSH connections stay, and for how long")
	}
	c, err := nftables.New()
	if err != nil {
		return err
	}
	if err := unsever(c); err != nil {
		return err
	}
	if err := s.cut(c); err != nil {
		return err
	}
	if s.Address.Is4() {
		if err := s.hush(c); err != nil {
			return err
		}
	}
	if err := c.Flush(); err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	return nil
}

// Join ends it before its time. A machine that is not cut off is left as it is.
func (m Machine) Join() error {
	k, err := m.kernel()
	if err != nil || !k.has("nf_tables") {
		return err
	}
	c, err := nftables.New()
	if err != nil {
		return err
	}
	if err := unsever(c); err != nil {
		return err
	}
	return c.Flush()
}

func unsever(c *nftables.Conn) error {
	tables, err := c.ListTables()
	if err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	for _, t := range tables {
		if t.Name == severTable {
			c.DelTable(t)
		}
	}
	return nil
}

// cut drops whatever comes by a cable or leaves by one. What stays on the machine, its pods included, is let be: machines that lose
// their network go on.
func (s Sever) cut(c *nftables.Conn) error {
	table := c.AddTable(&nftables.Table{Family: nftables.TableFamilyINet, Name: severTable})
	set := &nftables.Set{Table: table, Name: "severed", KeyType: nftables.TypeNFProto, HasTimeout: true}
	elements := []nftables.SetElement{{Key: []byte{unix.NFPROTO_IPV4}, Timeout: s.For}, {Key: []byte{unix.NFPROTO_IPV6}, Timeout: s.For}}
	if err := c.AddSet(set, elements); err != nil {
		return err
	}
	for _, way := range []struct {
		name string
		hook *nftables.ChainHook
		link expr.MetaKey
		out  bool
	}{{"in", nftables.ChainHookPrerouting, expr.MetaKeyIIFNAME, false}, {"out", nftables.ChainHookPostrouting, expr.MetaKeyOIFNAME, true}} {
		chain := c.AddChain(&nftables.Chain{Name: way.name, Table: table, Type: nftables.ChainTypeFilter, Hooknum: way.hook, Priority: nftables.ChainPriorityRef(-310)})
		rule := func(matches []expr.Any, verdict expr.VerdictKind) {
			c.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: append(matches, &expr.Verdict{Kind: verdict})})
		}
		for _, link := range []string{"lo", "cni0"} {
			rule(metaIs(way.link, linkName(link)), expr.VerdictAccept)
		}
		rule(s.ssh(way.out), expr.VerdictAccept)
		rule([]expr.Any{&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: 1}, &expr.Lookup{SourceRegister: 1, SetName: set.Name, SetID: set.ID}}, expr.VerdictDrop)
	}
	return nil
}

// hush keeps the machine from answering, and from telling others, that the shared address is here: a machine without power does not.
func (s Sever) hush(c *nftables.Conn) error {
	table := c.AddTable(&nftables.Table{Family: nftables.TableFamilyARP, Name: severTable})
	set := &nftables.Set{Table: table, Name: "severed", KeyType: nftables.TypeIPAddr, HasTimeout: true}
	if err := c.AddSet(set, []nftables.SetElement{{Key: s.Address.AsSlice(), Timeout: s.For}}); err != nil {
		return err
	}
	const sender, target = 14, 24 // of addresses in a packet of ARP over Ethernet
	for _, way := range []struct {
		name   string
		hook   nftables.ChainHook // https://elixir.bootlin.com/linux/v6.12/source/include/uapi/linux/netfilter_arp.h
		offset uint32
	}{{"in", 0, target}, {"out", 1, sender}} {
		chain := c.AddChain(&nftables.Chain{Name: way.name, Table: table, Type: nftables.ChainTypeFilter, Hooknum: &way.hook, Priority: nftables.ChainPriorityFilter})
		c.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: []expr.Any{
			&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: way.offset, Len: 4},
			&expr.Lookup{SourceRegister: 1, SetName: set.Name, SetID: set.ID},
			&expr.Verdict{Kind: expr.VerdictDrop},
		}})
	}
	return nil
}

// ssh matches packets of the peer's SSH connections, from it or to it.
func (s Sever) ssh(out bool) []expr.Any {
	family, offset, length := byte(unix.NFPROTO_IPV4), uint32(12), uint32(4) // of the sender's address
	if s.Peer.Is6() {
		family, offset, length = unix.NFPROTO_IPV6, 8, 16
	}
	port := uint32(2) // of the receiver's port
	if out {
		offset, port = offset+length, 0
	}
	matches := metaIs(expr.MetaKeyNFPROTO, []byte{family})
	matches = append(matches, payloadIs(expr.PayloadBaseNetworkHeader, offset, s.Peer.AsSlice())...)
	matches = append(matches, metaIs(expr.MetaKeyL4PROTO, []byte{unix.IPPROTO_TCP})...)
	return append(matches, payloadIs(expr.PayloadBaseTransportHeader, port, binaryutil.BigEndian.PutUint16(s.Port))...)
}

func metaIs(key expr.MetaKey, data []byte) []expr.Any {
	return []expr.Any{&expr.Meta{Key: key, Register: 1}, &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: data}}
}

func payloadIs(base expr.PayloadBase, offset uint32, data []byte) []expr.Any {
	return []expr.Any{&expr.Payload{DestRegister: 1, Base: base, Offset: offset, Len: uint32(len(data))}, &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: data}}
}

// linkName is the name of an interface as the kernel compares it.
func linkName(name string) []byte {
	out := make([]byte, unix.IFNAMSIZ)
	copy(out, name)
	return out
}
