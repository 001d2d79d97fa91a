package host

import (
	"bytes"
	"sync"
)

const tailSize = 4 << 10

// tail keeps the end of what is added. Safe for concurrent use.
type tail struct {
	mu  sync.Mutex
	buf []byte // at most tailSize
	cut bool   // earlier bytes were dropped
}

func (t *tail) add(p []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(p) > tailSize {
		p, t.cut = p[len(p)-tailSize:], true
	}
	if over := len(t.buf) + len(p) - tailSize; over > 0 {
		t.buf, t.cut = append(t.buf[:0], t.buf[over:]...), true
	}
	t.buf = append(t.buf, p...)
}

// String returns whole lines where it can.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, lines, ok := bytes.Cut(t.buf, []byte("\n")); t.cut && ok && len(lines) > 0 {
		return string(lines)
	}
	return string(t.buf)
}
