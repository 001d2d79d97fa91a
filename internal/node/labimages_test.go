//go:build lab

package node_test

import "testing"

func testImages(t *testing.T, m *machine) {}
