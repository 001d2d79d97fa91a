package proof

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"

	"github.com/slipway/slipway/internal/check"
)

// served is one resource and the versions that it can be read in, the preferred first.
type served struct {
	schema.GroupResource
	versions []string
	custom   bool // of a CustomResourceDefinition
}

// resources are those that this API server itself keeps. It has all of the custom ones once it has looked at their definitions.
func (r *run) resources(ctx context.Context, a *api) (out []served, err error) {
	definitions, err := a.definitions(ctx)
	if err != nil {
		return nil, err
	}
	elsewhere, err := a.aggregated(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	err = check.Wait(ctx, r.Sink, check.Condition{Name: "the API server serves all that is defined", Test: func(context.Context) error {
		out, err = a.discover(elsewhere)
		if err != nil {
			return err
		}
		for i, s := range out {
			out[i].custom = slices.Contains(definitions, s.GroupResource)
		}
		for _, d := range definitions {
			if !slices.ContainsFunc(out, func(s served) bool { return s.GroupResource == d }) {
				return fmt.Errorf("not yet %s", d)
			}
		}
		return nil
	}})
	if len(elsewhere) > 0 {
		r.report.Notes = append(r.report.Notes, fmt.Sprintf("what servers of their own keep is not in etcd: %s", strings.Join(elsewhere, ", ")))
	}
	return out, err
}

func (a *api) discover(elsewhere []string) ([]served, error) {
	groups, lists, err := a.disco.ServerGroupsAndResources()
	var failed *discovery.ErrGroupDiscoveryFailed
	if errors.As(err, &failed) {
		for gv, why := range failed.Groups {
			if !slices.Contains(elsewhere, gv.String()) {
				return nil, fmt.Errorf("%s: %w", gv, why)
			}
		}
	} else if err != nil {
		return nil, err
	}
	preferred := map[string]bool{}
	for _, g := range groups {
		preferred[g.PreferredVersion.GroupVersion] = true
	}
	found := map[schema.GroupResource][]string{}
	for _, l := range lists {
		gv, err := schema.ParseGroupVersion(l.GroupVersion)
		if err != nil {
			return nil, err
		}
		for _, x := range l.APIResources {
			gr := schema.GroupResource{Group: gv.Group, Resource: x.Name}
			if strings.Contains(x.Name, "/") || !slices.Contains(x.Verbs, "list") || gr == components || gr == newEvents || slices.Contains(elsewhere, l.GroupVersion) {
				continue
			}
			if preferred[l.GroupVersion] {
				found[gr] = append([]string{gv.Version}, found[gr]...)
			} else {
				found[gr] = append(found[gr], gv.Version)
			}
		}
	}
	var out []served
	for gr, versions := range found {
		out = append(out, served{GroupResource: gr, versions: versions})
	}
	slices.SortFunc(out, func(a, b served) int { return cmp.Compare(a.String(), b.String()) })
	return out, nil
}

// definitions are the custom resources that are defined and served.
func (a *api) definitions(ctx context.Context) ([]schema.GroupResource, error) {
	var list struct {
		Items []struct {
			Spec struct {
				Group    string
				Names    struct{ Plural string }
				Versions []struct{ Served bool }
			}
			Status struct {
				Conditions []struct{ Type, Status string }
			}
		}
	}
	if err := a.get(ctx, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", &list); err != nil {
		return nil, err
	}
	var out []schema.GroupResource
	for _, d := range list.Items {
		established := slices.ContainsFunc(d.Status.Conditions, func(c struct{ Type, Status string }) bool { return c.Type == "Established" && c.Status == "True" })
		if established && slices.ContainsFunc(d.Spec.Versions, func(v struct{ Served bool }) bool { return v.Served }) {
			out = append(out, schema.GroupResource{Group: d.Spec.Group, Resource: d.Spec.Names.Plural})
		}
	}
	return out, nil
}

// aggregated are the versions of API groups that other servers serve, which keep their data elsewhere.
func (a *api) aggregated(ctx context.Context) ([]string, error) {
	var list struct {
		Items []struct {
			Spec struct {
				Group, Version string
				Service        *struct{ Name string }
			}
		}
	}
	if err := a.get(ctx, "/apis/apiregistration.k8s.io/v1/apiservices", &list); err != nil {
		return nil, err
	}
	var out []string
	for _, s := range list.Items {
		if s.Spec.Service != nil {
			out = append(out, s.Spec.Group+"/"+s.Spec.Version)
		}
	}
	return out, nil
}

func (a *api) get(ctx context.Context, path string, into any) error {
	text, err := a.disco.RESTClient().Get().AbsPath(path).SetHeader("Accept", "application/json").DoRaw(ctx)
	if err != nil {
		return fmt.Errorf("ask the API server for %s: %w", path, err)
	}
	return json.Unmarshal(text, into)
}
