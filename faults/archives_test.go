package faults

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"alsbot/als"
)

// archives tests exports that end in damaged and hostile archives. The
// operation's own steps read them, with at most 100 MiB of memory for each
// process. A trial is an archive.
func archives(t *testing.T, r *report) {
	good, content := soundArchive(t)
	const lanes = 4
	next := make(chan []byte)
	var wg sync.WaitGroup
	for range lanes {
		x := newExport(t)
		wg.Go(func() {
			for bad := range next {
				r.trial(x.damaged(bad, content))
			}
		})
	}
	for percent := range 100 {
		next <- good[:len(good)*percent/100]
	}
	for percent := range 100 { // the tar is cut, in a sound gzip
		cut, err := packBytes(content[:len(content)*percent/100])
		must(t, err)
		next <- cut
	}
	rnd := rand.New(rand.NewPCG(27, 1)) // a fixed seed, so that a failure can be repeated
	for range r.n {
		bad := bytes.Clone(good)
		bad[rnd.IntN(len(bad))] ^= 1 << rnd.IntN(8)
		next <- bad
	}
	close(next)
	wg.Wait()
	x := newExport(t)
	r.trial(x.verified(good, 20))
	r.trial(x.hostileNames(t))
	gib, entries := 1, 10_000
	if r.n >= 1000 {
		gib, entries = 10, 1_000_000
	}
	began := time.Now()
	r.trial(x.bomb(t, gib))
	r.figure("bomb of %d GiB stopped after %v", gib, time.Since(began).Round(100*time.Millisecond))
	r.trial(x.manyEntries(t, entries))
}

// exporting is a planned export whose steps run here instead of on a node.
type exporting struct {
	dir                   string
	req                   als.Request
	op                    *als.Operation
	cluster               als.Cluster
	plan                  als.Plan
	temp, target, suspect string
}

func newExport(t *testing.T) *exporting {
	t.Helper()
	x := &exporting{dir: tempDir(t), cluster: als.Cluster{Name: "prod", Kato: "kato", Generation: als.ALS13, Run: "k3v9t2", Asked: time.Now(),
		Nodes: []als.Node{{IP: "10.0.0.10", Roles: []string{"base", "primary", "filesystem"}}}}}
	var err error
	x.target = filepath.Join(x.dir, "backup.tgz")
	x.req, err = als.Parse("export cluster "+x.target, als.Operations)
	must(t, err)
	op, ok := als.Operations.Find(x.req.Operation)
	if !ok {
		t.Fatal("there is no export")
	}
	x.op = &op
	checks, err := op.Checks(x.req, x.cluster)
	must(t, err)
	var seen als.Results
	for _, s := range checks {
		seen = append(seen, x.step(s))
	}
	x.plan, err = op.Plan(x.req, x.cluster, seen)
	must(t, err)
	if f, stopped := x.plan.Stopped(); stopped {
		t.Fatal(f.Text)
	}
	x.suspect = x.plan.Hints.Suspect
	kato := x.plan.Steps[1].Argv
	x.temp = kato[len(kato)-1]
	return x
}

// step runs a script of alsbot with at most 100 MiB for each of its processes.
// It hides this machine's own processes, among them the kato of other rows.
func (x *exporting) step(s als.Step) als.Result {
	if s.Argv[0] == "ps" {
		return als.Result{Key: s.Key, Step: s.Name, Node: s.Node, Output: []byte("1 /sbin/init\n")}
	}
	limited := append([]string{"-c", `ulimit -v 102400; exec "$@"`, "limited"}, s.Command()...)
	cmd := exec.Command("sh", limited...)
	cmd.Dir = x.dir
	out, err := cmd.CombinedOutput()
	r := als.Result{Key: s.Key, Step: s.Name, Node: s.Node, Output: out, Exit: cmd.ProcessState.ExitCode()}
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		r.Trouble = err.Error()
	}
	return r
}

// judge runs the export with a kato that leaves this archive, and returns the
// verdict.
func (x *exporting) judge(archive []byte) als.Verdict { return x.judgeAfter(archive, "", 0) }

// judgeAfter is like judge for a kato that prints something and ends with a
// status.
func (x *exporting) judgeAfter(archive []byte, said string, exit int) als.Verdict {
	var results als.Results
	bad := false
	for _, s := range x.plan.Steps {
		var res als.Result
		switch {
		case bad && !s.Always:
			continue
		case s.Argv[0] == x.cluster.Kato:
			res = s.Result()
			res.Output, res.Exit = []byte(said), exit
			if err := os.WriteFile(x.temp, archive, 0o600); err != nil {
				res.Trouble = err.Error()
			}
		default:
			res = x.step(x.op.Weighed(x.req, x.cluster, x.plan, results, s))
		}
		results = append(results, res)
		bad = bad || !res.OK() && !s.Tolerate
	}
	for _, s := range x.plan.Verify {
		results = append(results, x.step(s))
	}
	return x.op.Judge(x.req, x.cluster, x.plan, results)
}

// left returns an error unless the directory has exactly these files, and
// deletes them.
func (x *exporting) left(want ...string) error {
	entries, err := os.ReadDir(x.dir)
	if err != nil {
		return err
	}
	var have []string
	for _, e := range entries {
		path := filepath.Join(x.dir, e.Name())
		have = append(have, path)
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	if slices.Sort(want); !slices.Equal(have, want) {
		return fmt.Errorf("what is left is %v, not %v", have, want)
	}
	return nil
}

// damaged returns an error unless an archive is refused, or its content is
// whole after all: a flipped bit may belong to the time in gzip's header.
func (x *exporting) damaged(archive, content []byte) error {
	v := x.judge(archive)
	if v.Outcome != als.Succeeded {
		return x.left()
	}
	if got, err := unpacked(archive); err != nil || !bytes.Equal(got, content) {
		return fmt.Errorf("a damaged archive of %d bytes is %s", len(archive), v.Summary)
	}
	return x.left(x.target)
}

func unpacked(archive []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

func (x *exporting) verified(archive []byte, files int) error {
	v := x.judge(archive)
	if v.Outcome != als.Succeeded || v.Data.Files != fmt.Sprint(files) {
		return fmt.Errorf("a sound archive of %d files is %s %v: %s", files, v.Outcome, v.Data, v.Summary)
	}
	return x.left(x.target)
}

// soundArchive returns an archive of 20 files of noise, packed and unpacked.
func soundArchive(t *testing.T) (packed, content []byte) {
	t.Helper()
	noise := rand.NewChaCha8([32]byte{27})
	packed, err := pack(func(w *tar.Writer) error {
		for i := range 20 {
			data := make([]byte, 5000)
			_, _ = noise.Read(data) // it never fails
			if err := addFile(w, fmt.Sprintf("export/f%d", i), data); err != nil {
				return err
			}
		}
		return nil
	})
	must(t, err)
	content, err = unpacked(packed)
	must(t, err)
	return packed, content
}

func pack(fill func(*tar.Writer) error) ([]byte, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		return nil, err
	}
	w := tar.NewWriter(z)
	err = errors.Join(fill(w), w.Close(), z.Close())
	return b.Bytes(), err
}

func addFile(w *tar.Writer, name string, data []byte) error {
	err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o600, Size: int64(len(data))})
	if err == nil {
		_, err = w.Write(data)
	}
	return err
}

// hostileNames tests names that must have no effect except to be counted.
func (x *exporting) hostileNames(t *testing.T) error {
	names := []string{"../../canary", "/canary", "-rf", "$(touch canary)", "`touch canary`", "a\nend 0\nb", "\x1b[2J", "-rw-r--r-- 0/0 1 2026 x", "%s%n", "*",
		"'; touch canary; '", strings.Repeat("d/", 500) + "deep", strings.Repeat("n", 4000)}
	archive, err := pack(func(w *tar.Writer) error {
		for _, name := range names {
			if err := addFile(w, name, []byte(name)); err != nil {
				return err
			}
		}
		return errors.Join(
			w.WriteHeader(&tar.Header{Name: "link", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}),
			w.WriteHeader(&tar.Header{Name: "link/canary", Typeflag: tar.TypeLink, Linkname: "../canary"}),
			w.WriteHeader(&tar.Header{Name: "device", Typeflag: tar.TypeBlock, Devmajor: 8}))
	})
	must(t, err)
	return x.verified(archive, len(names))
}

// bomb tests a file of zeros in an archive a thousandth of its size.
func (x *exporting) bomb(t *testing.T, gib int) error {
	var zeros bytes.Buffer
	z := gzip.NewWriter(&zeros)
	_, err := z.Write(make([]byte, 64<<20))
	must(t, errors.Join(err, z.Close()))
	var head bytes.Buffer
	z = gzip.NewWriter(&head)
	must(t, tar.NewWriter(z).WriteHeader(&tar.Header{Name: "zeros", Typeflag: tar.TypeReg, Mode: 0o600, Size: int64(gib) << 30}))
	must(t, z.Close())
	archive := append(head.Bytes(), bytes.Repeat(zeros.Bytes(), gib*16)...)
	archive = append(archive, zeros.Bytes()...) // the end of the tar is zeros too
	v := x.judge(archive)
	if v.Outcome == als.Succeeded || v.Archives[0].Verdict != "suspect" || !strings.Contains(v.Summary, "200 times") {
		return fmt.Errorf("a bomb is %s: %s", v.Outcome, v.Summary)
	}
	return x.left(x.suspect)
}

func (x *exporting) manyEntries(t *testing.T, n int) error {
	noise := rand.NewChaCha8([32]byte{28})
	data := make([]byte, 16)
	archive, err := pack(func(w *tar.Writer) error {
		for i := range n {
			_, _ = noise.Read(data) // it never fails
			if err := addFile(w, fmt.Sprintf("export/%d", i), data); err != nil {
				return err
			}
		}
		return nil
	})
	must(t, err)
	return x.verified(archive, n)
}
