//go:build linux

package node

import (
	"context"
	"slices"
	"strings"
)

func (mod *Module) diff(_ context.Context, p *pass) (*Change, error) {
	k, err := p.kernel()
	if err != nil {
		return nil, err
	}
	if !k.has(mod.Name) {
		return &Change{Action: Create, After: "loaded"}, nil
	}
	if !k.modular || k.builtin(mod.Name) {
		return nil, nil
	}
	lines, err := p.readConf(modulesConf)
	if err != nil || slices.Contains(lines, mod.Name) {
		return nil, err
	}
	return &Change{Action: Update, Before: "loaded", After: "loaded", Reason: "not loaded on boot"}, nil
}

func (mod *Module) claim(_ context.Context, p *pass, _ *entry) error {
	return p.claimParents(modulesConf)
}

func (mod *Module) apply(ctx context.Context, p *pass) error {
	k, err := p.kernel()
	if err != nil {
		return err
	}
	if !k.has(mod.Name) {
		if _, err := output(ctx, nil, "modprobe", "--", mod.Name); err != nil {
			return err
		}
	}
	return p.editConf(modulesConf, mod.Name, sameModule(mod.Name))
}

func sameModule(name string) func(string) bool {
	return func(line string) bool { return strings.TrimSpace(line) == name }
}

// releaseModule keeps the module loaded: something else may have come to need it.
func (p *pass) releaseModule(name string) error {
	return p.editConf(modulesConf, "", sameModule(name))
}
