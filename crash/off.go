//go:build !faults

package crash

// Point does nothing.
func Point(string) {}
