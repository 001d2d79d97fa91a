package bundle

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// Print writes m as tables for a reader.
func (m Manifest) Print(w io.Writer) error {
	var out strings.Builder
	fmt.Fprintf(&out, "Kubernetes %s for %s, %s\n\n", m.Kubernetes, m.Arch, m.Digest)

	versions := plainTable("part", "version")
	for _, name := range slices.Sorted(maps.Keys(m.Versions)) {
		versions.AppendRow(table.Row{name, m.Versions[name]})
	}
	out.WriteString(versions.Render() + "\n\n")

	binaries := plainTable("binary", "size", "sent", "roles")
	for _, b := range m.Binaries {
		sent := megabytes(b.Blob.Size)
		if b.Image != "" {
			sent = "in " + b.Image
		}
		binaries.AppendRow(table.Row{b.Name, megabytes(b.Size), sent, strings.Join(b.Roles, ", ")})
	}
	out.WriteString(binaries.Render() + "\n\n")

	images := plainTable("image", "layers", "sent", "roles")
	for _, i := range m.Images {
		size := i.Manifest.Size
		for _, b := range i.Blobs {
			size += b.Size
		}
		images.AppendRow(table.Row{i.Ref, len(i.Blobs) - 1, megabytes(size), strings.Join(i.Roles, ", ")})
	}
	out.WriteString(images.Render() + "\n\n")

	roles := plainTable("role", "sent in all")
	for _, role := range []string{controlPlane, worker, loadBalancer} {
		roles.AppendRow(table.Row{role, megabytes(m.sent(role))})
	}
	out.WriteString(roles.Render() + "\n")
	_, err := io.WriteString(w, out.String())
	return err
}

// Print writes what a build took as tables for a reader.
func (r Report) Print(w io.Writer) error {
	parts := plainTable("part", "version", "size", "took", "")
	for _, p := range append(slices.Clone(r.Parts), r.Packages...) {
		how := "made"
		if p.Cached {
			how = "unchanged"
		}
		parts.AppendRow(table.Row{p.Name, p.Version, megabytes(p.Size), seconds(p.Took.Seconds()), how})
	}
	_, err := fmt.Fprintf(w, "%s\n\n%s: %s, %s, %s\n", parts.Render(), r.Path, megabytes(r.Size), seconds(r.Took.Seconds()), r.Digest)
	return err
}

// sent is the number of bytes that a machine of the role receives: each blob once.
func (m Manifest) sent(role string) (total int64) {
	sizes := map[string]int64{}
	binaries, images := m.forRole(role)
	for _, b := range binaries {
		sizes[b.Blob.Digest] = b.Blob.Size // nothing where it is in an image
	}
	for _, i := range images {
		sizes[i.Manifest.Digest] = i.Manifest.Size
		for _, b := range i.Blobs {
			sizes[b.Digest] = b.Size
		}
	}
	for _, size := range sizes {
		total += size
	}
	return total
}

func plainTable(header ...any) table.Writer {
	t := table.NewWriter()
	style := table.StyleDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Format.Header = text.FormatUpper
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	t.SetStyle(style)
	t.AppendHeader(header)
	t.SuppressTrailingSpaces()
	return t
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
func seconds(s float64) string { return fmt.Sprintf("%.1f s", s) }
