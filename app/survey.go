package app

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"time"

	"alsbot/als"
	"alsbot/config"
	"alsbot/executor"
	"alsbot/jobs"
)

// nodeLimit is how long one probe of one node may take, unless the probe sets
// its own limit.
const nodeLimit = time.Minute

// surveyed is what a cluster's core reports about the cluster.
type surveyed struct {
	generation als.Generation
	version    string
	host       string // of the core, as the config has it
	nodes      []als.Node
	warnings   []error
}

// survey asks a cluster's core for its version, generation and nodes. An error
// says why alsbot can plan nothing there, and what to do about it.
func survey(ctx context.Context, exec *executor.Executor, cfg *config.Config, cl config.Cluster) (surveyed, error) {
	var seen surveyed
	seen.host, _, _ = net.SplitHostPort(cl.Core)
	var results als.Results
	for _, s := range als.SurveySteps(cl.Kato) {
		out, status, err := look(ctx, exec, cfg, cl, nil, s)
		if err != nil {
			return seen, err
		}
		r := s.Result()
		r.Exit, r.Output = status, out
		results = append(results, r)
	}
	if cl.Generation != "auto" {
		seen.generation = als.Generation(cl.Generation)
	}
	var findings []als.Finding
	seen.generation, seen.version, seen.nodes, findings = als.ReadSurvey(results, seen.generation)
	var more []als.Finding
	seen.nodes, more = jobs.Machines(cfg, cl, seen.nodes)
	findings = append(findings, more...)
	for _, f := range findings {
		err := fmt.Errorf("%s. %s", f.Text, f.Fix)
		if f.Level == als.Stop {
			return seen, err
		}
		seen.warnings = append(seen.warnings, err)
	}
	return seen, nil
}

// look runs a read on a node and returns its output and exit status.
func look(ctx context.Context, exec *executor.Executor, cfg *config.Config, cl config.Cluster, nodes []als.Node, s als.Step) ([]byte, int, error) {
	t, err := jobs.Target(cfg, cl, nodes, s.Node)
	if err != nil {
		return nil, 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, max(nodeLimit, s.Limit))
	defer cancel()
	out := bounded{left: lookMost}
	status, err := exec.Exec(ctx, t, s.Command(), &out)
	return out.Bytes(), status, err
}

// lookMost is how many bytes a node may answer to a look.
const lookMost = 1 << 20

// bounded is a buffer that takes no more than a number of bytes.
type bounded struct {
	bytes.Buffer
	left int
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, fmt.Errorf("the answer is longer than %d bytes", lookMost)
	}
	return b.Buffer.Write(p) //nolint:wrapcheck // it never fails
}
