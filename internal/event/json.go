package event

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"sync"
)

// NewEncoder returns a Sink that writes each event to w as one line of JSON.
// It is safe for concurrent use. Write errors are dropped: the reader's side notices a closed pipe.
func NewEncoder(w io.Writer) Sink {
	var mu sync.Mutex
	enc := json.NewEncoder(w)
	return SinkFunc(func(e Event) {
		mu.Lock()
		defer mu.Unlock()
		_ = enc.Encode(e)
	})
}

// Decode reads lines of JSON from r until its end and emits each to s.
// A line that is no event is an error that quotes its beginning.
func Decode(r io.Reader, s Sink) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		line := lines.Bytes()
		if len(line) == 0 {
			continue
		}
		var e Event
		if err := json.Unmarshal(line, &e); err != nil || e.Kind == "" {
			return fmt.Errorf("not an event: %.120q", line)
		}
		s.Emit(e)
	}
	return lines.Err()
}
