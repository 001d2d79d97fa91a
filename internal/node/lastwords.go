//go:build linux

package node

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// logTail is how much of a log's end is looked at for its last line.
const logTail = 8 << 10

// lastWords says how a container that ended did so, and what it said last. Programs of the control plane say there why
// they do not start; they do not log secrets.
func lastWords(ctx context.Context, cri runtimeapi.RuntimeServiceClient, id string, times int) string {
	answer, err := cri.ContainerStatus(ctx, &runtimeapi.ContainerStatusRequest{ContainerId: id})
	if err != nil {
		return "its container has ended"
	}
	said := fmt.Sprintf("it has ended %d times, last with exit code %d", times, answer.Status.ExitCode)
	if line, err := lastLine(answer.Status.LogPath); err == nil && line != "" {
		said += ": " + line
	}
	return said
}

// lastLine is the last line of a container's log, without what the runtime puts before each: time, stream and a tag.
// https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md
func lastLine(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(io.NewSectionReader(f, max(0, end-logTail), logTail))
	if err != nil {
		return "", err
	}
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	fields := strings.SplitN(string(lines[len(lines)-1]), " ", 4)
	return tail(fields[len(fields)-1], 500), nil
}
