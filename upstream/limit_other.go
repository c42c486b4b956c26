//go:build !unix

package upstream

// descriptorLimit returns how many descriptors this process may have: where
// the system does not tell, what is safe everywhere.
func descriptorLimit() int { return 16384 }
