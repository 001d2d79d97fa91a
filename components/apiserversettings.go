package components

import (
	"encoding/base64"
	"slices"

	apiserverv1 "k8s.io/apiserver/pkg/apis/apiserver/v1"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/pki"
)

// apiserverSettings are the files that the API server reads beside its flags.
func (in *Input) apiserverSettings() ([]node.Resource, error) {
	audit, err := encode(auditPolicy())
	if err != nil {
		return nil, err
	}
	authentication, err := encode(authentication())
	if err != nil {
		return nil, err
	}
	encryption, err := encode(in.encryption())
	if err != nil {
		return nil, err
	}
	return []node.Resource{
		textFile(auditPolicyPath, 0o600, audit),
		textFile(authenticationPath, 0o600, authentication),
		secretFile(pki.EncryptionPath, encryption),
	}, nil
}

// authentication lets the unknown caller see health and nothing else: load balancers and probes carry no credentials.
func authentication() *apiserverv1.AuthenticationConfiguration {
	return &apiserverv1.AuthenticationConfiguration{
		// v1 is served from 1.34, the oldest version that Slipway installs.
		TypeMeta: typeMeta("apiserver.config.k8s.io/v1", "AuthenticationConfiguration"),
		Anonymous: &apiserverv1.AnonymousAuthConfig{
			Enabled: true,
			Conditions: []apiserverv1.AnonymousAuthCondition{
				{Path: "/livez"}, {Path: "/readyz"}, {Path: "/healthz"},
				// What a machine that wants to join reads first. Nobody may until the cluster is opened for joining.
				{Path: "/api/v1/namespaces/kube-public/configmaps/cluster-info"},
			},
		},
	}
}

// encryption seals Secrets in etcd. identity comes last, so that objects written before can still be read.
func (in *Input) encryption() *apiserverv1.EncryptionConfiguration {
	key := apiserverv1.Key{Name: "key1", Secret: base64.StdEncoding.EncodeToString(in.Certs.EncryptionKey)}
	providers := []apiserverv1.ProviderConfiguration{
		{Secretbox: &apiserverv1.SecretboxConfiguration{Keys: []apiserverv1.Key{key}}},
		{Identity: &apiserverv1.IdentityConfiguration{}},
	}
	if in.Unsealed { // the first writes, all read
		slices.Reverse(providers)
	}
	return &apiserverv1.EncryptionConfiguration{
		TypeMeta: typeMeta("apiserver.config.k8s.io/v1", "EncryptionConfiguration"),
		Resources: []apiserverv1.ResourceConfiguration{{
			Resources: []string{"secrets"},
			Providers: providers,
		}},
	}
}

// auditPolicy records who changed what, bodies only where they hold no secrets, and leaves out the
// heartbeats that would otherwise be most of the log.
func auditPolicy() *auditv1.Policy {
	none := func(r auditv1.PolicyRule) auditv1.PolicyRule { r.Level = auditv1.LevelNone; return r }
	leases := []auditv1.GroupResources{{Group: "coordination.k8s.io", Resources: []string{"leases"}}}
	secrets := []auditv1.GroupResources{
		{Group: "", Resources: []string{"secrets", "configmaps", "serviceaccounts/token"}},
		{Group: "authentication.k8s.io", Resources: []string{"tokenreviews"}},
	}
	return &auditv1.Policy{
		TypeMeta:   typeMeta("audit.k8s.io/v1", "Policy"),
		OmitStages: []auditv1.Stage{auditv1.StageRequestReceived},
		Rules: []auditv1.PolicyRule{
			none(auditv1.PolicyRule{NonResourceURLs: []string{"/healthz*", "/livez*", "/readyz*", "/version", "/metrics"}}),
			none(auditv1.PolicyRule{Resources: leases}),
			// Kubelets look at nodes and pods and report their status all the time. What else they write is rare, and
			// what a stolen kubelet's certificate would try.
			none(auditv1.PolicyRule{
				UserGroups: []string{"system:nodes"}, Verbs: []string{"get", "list", "watch"},
				Resources: []auditv1.GroupResources{{Group: "", Resources: []string{"nodes", "pods"}}},
			}),
			none(auditv1.PolicyRule{
				UserGroups: []string{"system:nodes"}, Verbs: []string{"get", "patch", "update"},
				Resources: []auditv1.GroupResources{{Group: "", Resources: []string{"nodes/status", "pods/status"}}},
			}),
			none(auditv1.PolicyRule{Resources: []auditv1.GroupResources{{Group: "", Resources: []string{"events"}}, {Group: "events.k8s.io", Resources: []string{"events"}}}}),
			{Level: auditv1.LevelMetadata, Resources: secrets},
			{Level: auditv1.LevelMetadata, Verbs: []string{"get", "list", "watch"}},
			{Level: auditv1.LevelRequest, Verbs: []string{"create", "update", "patch", "delete", "deletecollection"}},
			{Level: auditv1.LevelMetadata},
		},
	}
}
