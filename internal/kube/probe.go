package kube

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// AddProbe makes the Service name in kube-system anew, with servers behind it at their port, and returns its address and port. A
// kube-proxy through which it can be reached has read Services since. DropProbe takes it away.
func (c *Client) AddProbe(ctx context.Context, name string, port int32, servers ...netip.Addr) (address string, err error) {
	if len(servers) == 0 {
		return "", errors.New("a probe needs a server")
	}
	if err := c.DropProbe(ctx, name); err != nil { // of a run that was cut off, which may be known already
		return "", err
	}
	service, err := c.Typed.CoreV1().Services(metav1.NamespaceSystem).Create(ctx, &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Name: "probe", Port: port}}},
	}, metav1.CreateOptions{FieldManager: FieldManager})
	if err != nil {
		return "", fmt.Errorf("make the Service %s: %w", name, err)
	}
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Name:            name,
			Labels:          map[string]string{discoveryv1.LabelServiceName: name, discoveryv1.LabelManagedBy: FieldManager},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "Service", Name: name, UID: service.UID}},
		},
		AddressType: discoveryv1.AddressTypeIPv4,
		Ports:       []discoveryv1.EndpointPort{{Name: &service.Spec.Ports[0].Name, Port: &port}},
	}
	if servers[0].Is6() {
		slice.AddressType = discoveryv1.AddressTypeIPv6
	}
	for _, s := range servers {
		slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{Addresses: []string{s.String()}})
	}
	if _, err := c.Typed.DiscoveryV1().EndpointSlices(metav1.NamespaceSystem).Create(ctx, slice, metav1.CreateOptions{FieldManager: FieldManager}); err != nil {
		return "", fmt.Errorf("put servers behind the Service %s: %w", name, err)
	}
	return net.JoinHostPort(service.Spec.ClusterIP, strconv.Itoa(int(port))), nil
}

// DropProbe takes away what AddProbe made, if it is there.
func (c *Client) DropProbe(ctx context.Context, name string) error {
	slices := c.Typed.DiscoveryV1().EndpointSlices(metav1.NamespaceSystem).Delete(ctx, name, metav1.DeleteOptions{})
	service := c.Typed.CoreV1().Services(metav1.NamespaceSystem).Delete(ctx, name, metav1.DeleteOptions{})
	var faults []error
	for _, err := range []error{slices, service} {
		if err != nil && !apierrors.IsNotFound(err) {
			faults = append(faults, err)
		}
	}
	if len(faults) > 0 {
		return fmt.Errorf("take away the Service %s: %w", name, errors.Join(faults...))
	}
	return nil
}
