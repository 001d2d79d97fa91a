package kube

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	policyv1 "k8s.io/api/policy/v1"
)

func TestNeverMet(t *testing.T) {
	for name, test := range map[string]struct {
		status policyv1.PodDisruptionBudgetStatus
		stuck  bool
	}{
		"no pods":          {policyv1.PodDisruptionBudgetStatus{DesiredHealthy: 1}, false},
		"one may go":       {policyv1.PodDisruptionBudgetStatus{ExpectedPods: 3, DesiredHealthy: 2, CurrentHealthy: 3, DisruptionsAllowed: 1}, false},
		"one is away":      {policyv1.PodDisruptionBudgetStatus{ExpectedPods: 3, DesiredHealthy: 2, CurrentHealthy: 2}, false},
		"all are wanted":   {policyv1.PodDisruptionBudgetStatus{ExpectedPods: 2, DesiredHealthy: 2, CurrentHealthy: 2}, true},
		"more than it has": {policyv1.PodDisruptionBudgetStatus{ExpectedPods: 1, DesiredHealthy: 2, CurrentHealthy: 1}, true},
	} {
		if why := neverMet(policyv1.PodDisruptionBudget{Status: test.status}); (why != "") != test.stuck {
			t.Errorf("%s: %q", name, why)
		}
	}
}

func TestRemovedAPIs(t *testing.T) {
	const metrics = `# HELP apiserver_requested_deprecated_apis [STABLE] Gauge of deprecated APIs that have been requested
apiserver_requested_deprecated_apis{group="flowcontrol.apiserver.k8s.io",removed_release="1.32",resource="flowschemas",subresource="",version="v1beta3"} 1
apiserver_requested_deprecated_apis{group="",removed_release="",resource="componentstatuses",subresource="",version="v1"} 1
apiserver_requested_deprecated_apis{group="a.k8s.io",removed_release="1.36",resource="things",subresource="",version="v1alpha1"} 1
apiserver_requested_deprecated_apis{group="a.k8s.io",removed_release="1.36",resource="things",subresource="status",version="v1alpha1"} 1
apiserver_requested_deprecated_apis{group="b.k8s.io",removed_release="1.36",resource="others",subresource="",version="v1"} 0
apiserver_request_total{code="200"} 5
`
	for of, want := range map[string][]string{
		"1.35.4": {"flowcontrol.apiserver.k8s.io/v1beta3 flowschemas"},
		"1.36.3": {"a.k8s.io/v1alpha1 things", "flowcontrol.apiserver.k8s.io/v1beta3 flowschemas"},
		"1.31.0": nil,
	} {
		got, err := removed([]byte(metrics), of)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v %s", of, err, diff)
		}
	}
}
