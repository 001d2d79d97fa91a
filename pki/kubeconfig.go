package pki

import (
	"errors"
	"fmt"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// Kubeconfig returns a kubeconfig file for user with everything embedded. server is a URL, ca PEM.
// The same arguments give the same bytes.
func Kubeconfig(clusterName, server string, ca []byte, user string, kp KeyPair) ([]byte, error) {
	if len(ca) == 0 || len(kp.Cert) == 0 || len(kp.Key) == 0 {
		return nil, fmt.Errorf("kubeconfig of %s: authority, certificate and key must all be there", user)
	}
	context := user + "@" + clusterName
	config := api.Config{
		Clusters:       map[string]*api.Cluster{clusterName: {Server: server, CertificateAuthorityData: ca}},
		AuthInfos:      map[string]*api.AuthInfo{user: {ClientCertificateData: kp.Cert, ClientKeyData: kp.Key}},
		Contexts:       map[string]*api.Context{context: {Cluster: clusterName, AuthInfo: user}},
		CurrentContext: context,
	}
	out, err := clientcmd.Write(config)
	if err != nil {
		return nil, fmt.Errorf("kubeconfig of %s: %w", user, err)
	}
	return out, nil
}

// RenewingKubeconfig returns a kubelet's kubeconfig whose certificate and key are in the file at path, where the kubelet
// itself replaces them. It holds no secret.
func RenewingKubeconfig(clusterName, server string, ca []byte, path string) ([]byte, error) {
	const user = "kubelet"
	context := user + "@" + clusterName
	out, err := clientcmd.Write(api.Config{
		Clusters:       map[string]*api.Cluster{clusterName: {Server: server, CertificateAuthorityData: ca}},
		AuthInfos:      map[string]*api.AuthInfo{user: {ClientCertificate: path, ClientKey: path}},
		Contexts:       map[string]*api.Context{context: {Cluster: clusterName, AuthInfo: user}},
		CurrentContext: context,
	})
	if err != nil {
		return nil, fmt.Errorf("kubeconfig of %s: %w", user, err)
	}
	return out, nil
}

// embeddedPair returns the client certificate and key of the kubeconfig's current context.
func embeddedPair(kubeconfig []byte) (KeyPair, error) {
	config, err := clientcmd.Load(kubeconfig)
	if err != nil {
		return KeyPair{}, err
	}
	context := config.Contexts[config.CurrentContext]
	if context == nil {
		return KeyPair{}, fmt.Errorf("context %q is not in the file", config.CurrentContext)
	}
	user := config.AuthInfos[context.AuthInfo]
	if user == nil || len(user.ClientCertificateData) == 0 || len(user.ClientKeyData) == 0 {
		return KeyPair{}, errors.New("no embedded client certificate and key")
	}
	return KeyPair{Cert: user.ClientCertificateData, Key: user.ClientKeyData}, nil
}
