package store

// Near reports whether reading from s costs no more than a look at a disk.
func Near(s Store) bool {
	_, near := s.(dir)
	return near
}
