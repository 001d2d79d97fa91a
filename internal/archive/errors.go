package archive

import (
	"fmt"
	"strings"
)

// DamagedError is a file that is not what was written, or was never an archive.
type DamagedError struct {
	Path   string
	Reason string
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("archive %s: %s", e.Path, e.Reason)
}

// Remedy says what to do.
func (e *DamagedError) Remedy() string {
	return "take another archive: nothing of a damaged one can be relied upon"
}

// FormatError is an archive in a format that this program does not know.
type FormatError struct{ Format int }

func (e *FormatError) Error() string {
	return fmt.Sprintf("it is in format %d, this program reads format %d", e.Format, Format)
}

// Remedy says what to do.
func (e *FormatError) Remedy() string { return "use the slipway that wrote it, or a newer one" }

// WrongKeyError is an archive that is sealed to others than those who tried to open it.
type WrongKeyError struct {
	Path       string
	Recipients []string // whom it is sealed to
	Tried      int
}

func (e *WrongKeyError) Error() string {
	tried := "the identity that was given is none of them"
	if e.Tried != 1 {
		tried = fmt.Sprintf("none of the %d identities that were given is among them", e.Tried)
	}
	return fmt.Sprintf("archive %s: its keys are sealed to %s: %s", e.Path, strings.Join(e.Recipients, ", "), tried)
}

// Remedy says what to do.
func (e *WrongKeyError) Remedy() string {
	return "give the identity of one of these recipients with --identity"
}
