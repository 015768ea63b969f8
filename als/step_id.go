package als

// stepID names a step twice. The key is for code: results are found by it, the
// digest covers it, and it never changes. The label is for people and may be
// reworded.
type stepID struct{ key, label string }

// of returns the ID of a step about one part. words is appended to the label.
func (id stepID) of(part, words string) stepID {
	return stepID{id.key + ":" + part, id.label + words}
}

// on returns a step with this ID.
func (id stepID) on(node string, argv []string) Step {
	return Step{Key: id.key, Name: id.label, Node: node, Argv: argv}
}

// probe returns a step with this ID that only reads and may run again.
func (id stepID) probe(node string, argv []string) Step {
	s := id.on(node, argv)
	s.Repeatable = true
	return s
}

// find returns the last result of a step, on any node if node is "".
func (rs Results) find(id stepID, node string) (Result, bool) { return rs.Find(id.key, node) }
