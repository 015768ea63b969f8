package jobs

// Verifying reports whether the steps of a running run are over, as far as
// the record has them, and only its effect is still to be looked at. The
// steps of a read are written down with its verdict: it never does.
func (r Run) Verifying() bool {
	if r.State != Running || len(r.Steps) == 0 {
		return false
	}
	broken := r.Cancel != nil
	for _, s := range r.Steps {
		over := !s.Ended.IsZero()
		skipped := s.Started.IsZero() && broken && !s.Step.Always
		if !over && !skipped {
			return false
		}
		broken = broken || s.bad()
	}
	return true
}
