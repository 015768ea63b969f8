package upkeep

import (
	"errors"
	"sync"

	"alsbot/executor"
	"alsbot/runs"
)

// logOnce holds what the log says of nodes at present: a node that is gone for
// good is tried every 10 minutes and logged once. It starts empty with the
// process.
type logOnce struct {
	mu   sync.Mutex
	said map[string]string
}

// changed records what is wrong with a subject, "" for nothing, and reports
// whether that differs from before.
func (m *logOnce) changed(of, wrong string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.said[of] == wrong {
		return false
	}
	if wrong == "" {
		delete(m.said, of)
	} else {
		m.said[of] = wrong
	}
	return true
}

// logNode logs what keeps alsbot from cleaning up after a step on its node, or
// that nothing does any more (nil). It logs each change once for a node, and
// for a step where the node answers and refuses.
func (u *Upkeep) logNode(r *runs.Run, s runs.StepRecord, err error) {
	node := r.Cluster.Name + "/" + s.Step.Node
	log := u.log.With("run", r.ID, "node", s.Step.Node)
	var of *executor.Error
	switch {
	case err == nil:
		refused := u.logged.changed(s.ID, "")
		if u.logged.changed(node, "") || refused {
			log.Info("what runs have left on a node is looked after again")
		}
	case errors.As(err, &of) && of.Kind == executor.Node:
		if u.logged.changed(s.ID, string(of.Kind)) {
			log.Warn("looking after what a run has left on a node", "error", err)
		}
	default:
		wrong := err.Error()
		if of != nil {
			wrong = string(of.Kind) // the rest may differ with each try
		}
		if u.logged.changed(node, wrong) {
			log.Warn("looking after what runs have left on a node", "error", err)
		}
	}
}
