package jobs

import (
	"errors"
	"sync"

	"alsbot/executor"
)

// mentions is what the log says of nodes at present: one that is gone for
// good is tried every 10 minutes, and mentioned once. It begins anew with the
// process.
type mentions struct {
	mu sync.Mutex
	of map[string]string
}

// news notes what is wrong with something, "" for nothing, and reports
// whether that is another thing than before.
func (m *mentions) news(of, wrong string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.of[of] == wrong {
		return false
	}
	if wrong == "" {
		delete(m.of, of)
	} else {
		m.of[of] = wrong
	}
	return true
}

// mention logs what keeps alsbot from looking after what a step has left on
// its node, or that nothing does any more (nil), when it is news: once for a
// node, and for a step where the node answers and refuses.
func (e *Engine) mention(r *Run, s StepRecord, err error) {
	node := r.Cluster.Name + "/" + s.Step.Node
	log := e.log.With("run", r.ID, "node", s.Step.Node)
	var of *executor.Error
	switch {
	case err == nil:
		refused := e.mentions.news(s.ID, "")
		if e.mentions.news(node, "") || refused {
			log.Info("what runs have left on a node is looked after again")
		}
	case errors.As(err, &of) && of.Kind == executor.Node:
		if e.mentions.news(s.ID, string(of.Kind)) {
			log.Warn("looking after what a run has left on a node", "error", err)
		}
	default:
		wrong := err.Error()
		if of != nil {
			wrong = string(of.Kind) // the rest may differ with each try
		}
		if e.mentions.news(node, wrong) {
			log.Warn("looking after what runs have left on a node", "error", err)
		}
	}
}
