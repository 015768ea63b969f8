//go:build !faults

package crashpoint

// Point does nothing.
func Point(string) {}
