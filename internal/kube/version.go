package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/version"
)

// Version is the API server's own version, without "v". Everybody who is anybody may ask for it.
func (c *Client) Version(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	text, err := c.Typed.Discovery().RESTClient().Get().AbsPath("/version").DoRaw(ctx)
	if err != nil {
		return "", fmt.Errorf("ask %s for its version: %w", c.server, err)
	}
	var info version.Info
	if err := json.Unmarshal(text, &info); err != nil {
		return "", fmt.Errorf("ask %s for its version: %w", c.server, err)
	}
	return strings.TrimPrefix(info.GitVersion, "v"), nil
}
