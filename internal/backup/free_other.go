//go:build !linux

package backup

import "errors"

// Free is never asked: control planes are Linux machines.
func Free(string) (int64, error) { return 0, errors.New("only known on Linux") }
