package faults

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"alsbot/als"
)

// falseArchives tests archives that can be read to their end and are still not
// what they should be, and directories whose mount is gone. A trial is one of
// each kind, with random contents. The last good archive has to stay.
func falseArchives(t *testing.T, r *report) {
	random := rand.New(rand.NewPCG(44, uint64(r.n)))
	kinds := falseKinds()
	caught := map[string]int{}
	for i := range r.n {
		k := kinds[i%len(kinds)]
		err := k.try(t, random)
		if err == nil {
			caught[k.name]++
		}
		r.trial(err)
	}
	r.figure("%d kinds", len(caught))
}

// falseKind is a way in which an archive is false.
type falseKind struct {
	name, verdict, why string
	said               string // by kato
	exit               int
	left               func(last, next []byte, random *rand.Rand) ([]byte, error)
}

func falseKinds() []falseKind {
	more := func(data []byte, random *rand.Rand) []byte {
		extra := make([]byte, 1+random.IntN(5000))
		extra[random.IntN(len(extra))] = byte(1 + random.IntN(255))
		return append(bytes.Clone(data), extra...)
	}
	repack := func(change func(tar []byte, random *rand.Rand) []byte) func(_, next []byte, random *rand.Rand) ([]byte, error) {
		return func(_, next []byte, random *rand.Rand) ([]byte, error) {
			content, err := unpacked(next)
			if err != nil {
				return nil, err
			}
			return packBytes(change(content, random))
		}
	}
	asItIs := func(_, next []byte, _ *rand.Rand) ([]byte, error) { return next, nil }
	return []falseKind{
		{name: "the tar has no end", verdict: "failed", why: "without its two blocks of zeros", left: repack(func(tar []byte, random *rand.Rand) []byte {
			return tar[:len(tar)-1024+512*random.IntN(2)]
		})},
		{name: "more after the tar", verdict: "failed", why: "follows the end of the tar", left: repack(more)},
		{name: "more after the gzip", verdict: "failed", why: "follows the end of the gzip", left: func(_, next []byte, random *rand.Rand) ([]byte, error) { return more(next, random), nil }},
		{name: "two gzips", verdict: "failed", why: "follows the end of the gzip", left: func(_, next []byte, random *rand.Rand) ([]byte, error) {
			content, err := unpacked(next)
			at := 1 + random.IntN(len(content)-1)
			a, bad := packBytes(content[:at])
			b, worse := packBytes(content[at:])
			return append(a, b...), errors.Join(err, bad, worse)
		}},
		{name: "the last one again", verdict: "suspect", why: "its SHA-256 is the same", left: func(last, _ []byte, _ *rand.Rand) ([]byte, error) { return last, nil }},
		{name: "a part is missing", verdict: "suspect", why: "it lacks what all of the last archives had: export/", left: func(_, _ []byte, random *rand.Rand) ([]byte, error) {
			return partsBut(random, random.IntN(len(exportParts)))
		}},
		{name: "a part failed", verdict: "suspect", why: "failed", said: "10.0.0.11: exporting mysql...      failed\n", left: asItIs},
		{name: "a part failed, status 1", verdict: "suspect", why: "failed", said: "10.0.0.11: exporting mysql...      failed\n", exit: 1, left: asItIs},
		{name: "a file changed, status 1", verdict: "suspect", why: "changed as we read it", said: "tar: x: file changed as we read it\n", exit: 1, left: asItIs},
		{name: "the mount is gone", verdict: "stopped", why: "Nothing is mounted there now"},
		{name: "the mount goes before the start", verdict: "failed", why: "kato was not run"},
	}
}

var exportParts = []string{"main-db.sql", "mysql", "redis", "droplets"}

// partsBut returns an archive with all parts but one; -1 is none.
func partsBut(random *rand.Rand, without int) ([]byte, error) {
	return pack(func(w *tar.Writer) error {
		for i, part := range exportParts {
			data := make([]byte, 1000+random.IntN(3000))
			for j := range data {
				data[j] = byte(random.Uint32())
			}
			if i == without {
				continue
			}
			if err := addFile(w, "export/"+part+"/data", data); err != nil {
				return err
			}
		}
		return nil
	})
}

func packBytes(content []byte) ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write(content)
	err = errors.Join(err, z.Close())
	return b.Bytes(), err
}

func (k falseKind) try(t *testing.T, random *rand.Rand) error {
	last, err := partsBut(random, -1)
	if err != nil {
		return err
	}
	next, err := partsBut(random, -1)
	if err != nil {
		return err
	}
	x := newExport(t)
	x.cluster.Nodes[0].Roles = append(x.cluster.Nodes[0].Roles, "mysql", "redis")
	sum := sha256.Sum256(last)
	x.cluster.History.Earlier = []als.Archive{{Run: "first", Operation: "export cluster", Cluster: "prod", Path: x.target, Node: x.plan.Steps[1].Node, Verdict: "verified",
		SHA256: hex.EncodeToString(sum[:]), Members: []string{"export/droplets", "export/main-db.sql", "export/mysql", "export/redis"}, Mount: &als.Mount{Point: x.dir, Source: "nas:/backup", Type: "nfs"}}}
	if err := os.WriteFile(x.target, last, 0o600); err != nil {
		return err
	}
	var v als.Verdict
	switch {
	case k.verdict == "stopped":
		return k.stopped(x)
	case k.left == nil:
		steps := x.plan.Steps
		args := steps[0].Argv
		args[len(args)-1] = "point=" + x.dir + "\nsource=nas:/backup\ntype=nfs"
		v = x.op.Judge(x.req, x.cluster, x.plan, als.Results{x.step(steps[0])})
	default:
		bad, err := k.left(last, next, random)
		if err != nil {
			return err
		}
		v = x.judgeAfter(bad, k.said, k.exit)
	}
	if v.Outcome == als.Succeeded || v.Archives[0].Verdict != k.verdict || !strings.Contains(v.Summary, k.why) {
		return fmt.Errorf("%s: %s %+v: %s", k.name, v.Outcome, v.Archives, v.Summary)
	}
	if now, err := os.ReadFile(x.target); err != nil || !bytes.Equal(now, last) {
		return fmt.Errorf("%s: the last good one has %d bytes, %w", k.name, len(now), err)
	}
	if k.verdict == "suspect" {
		return x.left(x.target, x.suspect)
	}
	return x.left(x.target)
}

// stopped plans again, and wants the plan to stop.
func (k falseKind) stopped(x *exporting) error {
	checks, err := x.op.Checks(x.req, x.cluster)
	if err != nil {
		return err
	}
	var seen als.Results
	for _, s := range checks {
		seen = append(seen, x.step(s))
	}
	plan, err := x.op.Plan(x.req, x.cluster, seen)
	if f, stops := plan.Stopped(); err != nil || !stops || len(plan.Steps) > 0 || !strings.Contains(f.Text, k.why) {
		return fmt.Errorf("%s: %w, %+v", k.name, err, plan.Findings)
	}
	return x.left(x.target)
}

// claimedSizes tests sizes that nodes claim, up to the largest that there is. A
// trial is a size: it is refused, whatever else is on record.
func claimedSizes(_ *testing.T, r *report) {
	random := rand.New(rand.NewPCG(45, uint64(r.n)))
	for range r.n {
		free := random.Int64N(1 << 42)
		size := free + 1 + random.Int64N(math.MaxInt64-free-1)
		if random.IntN(4) == 0 {
			size = math.MaxInt64 - random.Int64N(1<<30)
		}
		r.trial(claimed(size, free, random.IntN(2) == 0))
	}
}

func claimed(size, free int64, limited bool) error {
	a := als.Archive{Run: "abc", Operation: "export cluster", Cluster: "prod", Path: "/mnt/helion-export-prod-20261101T030000Z.tgz", Node: "10.0.0.11", Size: size, SHA256: "00", Verdict: "verified"}
	c := als.Cluster{Name: "prod", Kato: "kato", Fetch: als.Host{Dir: "/var/backups", Free: free}, History: als.History{Archives: []als.Archive{a}, Sizes: []int64{size, size}},
		Nodes: []als.Node{{IP: "10.0.0.11", Roles: []string{"base", "primary", "filesystem"}}}}
	if limited {
		c.MaxSize = 4 << 40
	}
	answers := map[string]string{
		"backups fetch abc": fmt.Sprintf("dir=/mnt\nf0=%d\n", size),
		"export cluster":    fmt.Sprintf("dir=/mnt\nreal=/mnt\nstate=writable\ntarget=absent\ntemp=absent\nfree=%d\n", free),
	}
	for text, answer := range answers {
		req, err := als.Parse(text, als.Operations)
		if err != nil {
			return err
		}
		op, _ := als.Operations.Find(req.Operation)
		checks, err := op.Checks(req, c)
		if err != nil {
			return err
		}
		s := checks[0]
		plan, err := op.Plan(req, c, als.Results{{Key: s.Key, Step: s.Name, Node: s.Node, Output: []byte(answer)}})
		if _, stops := plan.Stopped(); err != nil || !stops || len(plan.Steps) > 0 {
			return fmt.Errorf("%s of %d bytes, with %d free: %w, %+v", text, size, free, err, plan.Findings)
		}
	}
	return nil
}
