package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"alsbot/runs"
	"alsbot/store"
)

// edited edits what the audit log covers, behind alsbot's back: fields of runs
// and approvals, whole records, and bytes of the log. A trial is one edit, which
// is put back. An edit of progress must not be named, any other must be.
func edited(t *testing.T, r *report) {
	d := newEngineBed(t, nil)
	ids, err := d.decided()
	must(t, err)
	d.halt()
	must(t, d.checkAudit())
	e := &editor{d: d, ids: ids, random: rand.New(rand.NewPCG(42, uint64(r.n)))}
	must(t, e.classify())
	kinds := []func() error{e.field, e.field, e.field, e.field, e.dropped, e.added, e.logByte, e.logEntry}
	for i := range r.n {
		r.trial(kinds[i%len(kinds)]())
	}
	r.trial(d.checkAudit())
	r.figure("%d edits of progress, %d of what is covered", e.progress, r.n-e.progress)
}

// decided makes runs with all kinds of decisions and returns their IDs.
func (d *engineBed) decided() (ids []string, err error) {
	run := func(text string, then func(id string) error) {
		if err != nil {
			return
		}
		ans, failed := d.say(ann, text)
		if failed == nil && ans.Run == "" {
			failed = fmt.Errorf("no run was made: %s", ans.Text)
		}
		if failed == nil {
			_, failed = d.until(ans.Run, func(r runs.Run) bool { return r.State == runs.Awaiting || r.State.Final() })
		}
		if failed == nil {
			failed = then(ans.Run)
		}
		ids, err = append(ids, ans.Run), failed
	}
	ended := func(id string) error { _, err := d.end(id); return err }
	run("patch update @c0 --reason because", func(id string) error { return errors.Join(d.press(bob, id, true, nil)(), ended(id)) })
	run("patch update @c1", func(id string) error { return errors.Join(d.press(cat, id, false, nil)(), ended(id)) })
	run("patch update @c2", func(id string) error {
		_, err := d.say(ann, "cancel "+id)
		return errors.Join(err, ended(id))
	})
	run("status @c0", ended)
	run("patch update @c3", func(string) error { return nil }) // it goes on waiting
	return ids, err
}

// These fields are covered, or progress. A field that is neither fails the row:
// whoever adds one decides.
var (
	coveredFields = regexp.MustCompile(`^(runs(\.id|\.text|\.request\..*|\.effect|\.by\..*|\.state|\.asked|\.started|\.ended|\.digest|\.trouble|\.cancel\..*|\.settled\..*|\.replaces|\.after|\.slot` +
		`|\.plan\.(operation|effect|nothing|backup|notes\.#|facts\.#\.(key|name|value)|findings\.#\.(level|text|key|subjects\.#|mend\.text)|targets\.#\..*|steps\.#\.(key|node|argv\.#)|verify\.#\.(key|name|node|argv\.#|tolerate))` +
		`|\.steps\.#\.(id|blob|exit|trouble|place|started|ended|step\.(key|name|node|argv\.#|tolerate|always))|\.verdict\.(outcome|summary|report))` +
		`|approvals(\.run|\.cluster|\.digest|\.state|\.quorum|\.posted|\.expires|\.votes\.#\..*|\.closed\..*|\.why))$`)
	progressFields = regexp.MustCompile(`^(runs(\.origin\..*|\.queued|\.cluster\..*|\.next\..*|\.remark|\.changed|\.waited` +
		`|\.plan\.(hints\..*|next\..*|patience|format|steps\.#\.(name|repeatable|limit|tolerate|weigh|figures\.#)|verify\.#\.(repeatable|limit|figures\.#)|findings\.#\.(volatile|mend\..*))` +
		`|\.steps\.#\.(size|sent|begun|mend\..*|step\.(repeatable|limit|weigh|figures\.#))|\.verdict\..*)` +
		`|approvals(\.unshown|\.filed))$`)
)

// editor edits the store of a bed.
type editor struct {
	d        *engineBed
	ids      []string
	random   *rand.Rand
	progress int
}

// leaf is one value in a record.
type leaf struct {
	path string // with # for an index
	set  func(any)
	was  any
}

// leaves returns every value of a record, in a fixed order.
func leaves(path string, v any, set func(any)) (all []leaf) {
	switch v := v.(type) {
	case map[string]any:
		var keys []string
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			all = append(all, leaves(path+"."+k, v[k], func(to any) { v[k] = to })...)
		}
	case []any:
		for i := range v {
			all = append(all, leaves(path+".#", v[i], func(to any) { v[i] = to })...)
		}
	default:
		all = append(all, leaf{path, set, v})
	}
	return all
}

// record returns the raw record, and its values.
func (e *editor) record(bucket, id string) (raw []byte, record map[string]any, all []leaf, err error) {
	raw, err = e.get(bucket, id)
	if raw == nil || err != nil {
		return nil, nil, nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	err = dec.Decode(&record)
	return raw, record, leaves(bucket, record, nil), err
}

// classify returns an error that names the fields that are neither covered nor
// progress.
func (e *editor) classify() error {
	odd := map[string]bool{}
	for _, bucket := range []string{"runs", "approvals"} {
		for _, id := range e.ids {
			_, _, all, err := e.record(bucket, id)
			if err != nil {
				return err
			}
			for _, l := range all {
				if !coveredFields.MatchString(l.path) && !progressFields.MatchString(l.path) {
					odd[l.path] = true
				}
			}
		}
	}
	if len(odd) > 0 {
		return fmt.Errorf("neither covered nor progress: %v", odd)
	}
	return nil
}

// pick chooses a record of a run or, if the run has one, of its approval: all
// but the fourth, which is a read, have one.
func (e *editor) pick() (bucket, id string) {
	if i := e.random.IntN(2 * len(e.ids)); i < len(e.ids) && i != 3 {
		return "approvals", e.ids[i]
	}
	return "runs", e.ids[e.random.IntN(len(e.ids))]
}

// field edits one value of one record.
func (e *editor) field() error {
	bucket, id := e.pick()
	raw, record, all, err := e.record(bucket, id)
	if err != nil {
		return err
	}
	l := all[e.random.IntN(len(all))]
	l.set(e.other(l.was))
	now, err := json.Marshal(record)
	if err != nil {
		return err
	}
	names := "run " + id
	if !coveredFields.MatchString(l.path) {
		names = ""
		e.progress++
	}
	return e.while(bucket, id, raw, now, names, fmt.Sprintf("%s of %s: %v became other", l.path, id, l.was))
}

// other returns another value of the same kind.
func (e *editor) other(was any) any {
	switch was := was.(type) {
	case bool:
		return !was
	case json.Number:
		n, err := was.Int64()
		if err != nil {
			return 1
		}
		return n + 1 + e.random.Int64N(1000)
	case string:
		if at, err := time.Parse(time.RFC3339Nano, was); err == nil {
			return at.Add(time.Duration(1 + e.random.Int64N(int64(time.Hour)))).Format(time.RFC3339Nano)
		}
		if at := e.random.IntN(len(was) + 1); at < len(was) && was[at] < 0x80 {
			return was[:at] + string(rune('!'+(was[at]-'!'+1+byte(e.random.IntN(90)))%94)) + was[at+1:]
		}
		return was + "!"
	}
	return "something"
}

// dropped removes a record.
func (e *editor) dropped() error {
	bucket, id := e.pick()
	raw, err := e.get(bucket, id)
	if err != nil {
		return err
	}
	return e.while(bucket, id, raw, nil, "run "+id, bucket+"/"+id+" was dropped")
}

// added adds a record like another one.
func (e *editor) added() error {
	raw, err := e.get("runs", e.ids[0])
	if err != nil {
		return err
	}
	id := fmt.Sprintf("z%09d", e.random.IntN(1e9))
	return e.while([]string{"runs", "approvals"}[e.random.IntN(2)], id, nil, bytes.ReplaceAll(raw, []byte(e.ids[0]), []byte(id)), "run "+id, id+" was added")
}

// logByte changes one byte of an entry of the log, and logEntry drops one that
// is not the last: only a head kept elsewhere shows that the end is gone.
func (e *editor) logByte() error {
	keys, err := e.log()
	if err != nil {
		return err
	}
	i := e.random.IntN(len(keys))
	raw, err := e.get("audit", keys[i])
	if err != nil {
		return err
	}
	now := bytes.Clone(raw)
	at := e.random.IntN(len(now))
	now[at] ^= byte(1 + e.random.IntN(255))
	return e.while("audit", keys[i], raw, now, fmt.Sprintf("audit entry %d", i+1), fmt.Sprintf("byte %d of entry %d is %q", at, i+1, now[at]))
}

func (e *editor) logEntry() error {
	keys, err := e.log()
	if err != nil {
		return err
	}
	i := e.random.IntN(len(keys) - 1)
	raw, err := e.get("audit", keys[i])
	if err != nil {
		return err
	}
	return e.while("audit", keys[i], raw, nil, fmt.Sprintf("audit entry %d", i+1), fmt.Sprintf("entry %d was dropped", i+1))
}

func (e *editor) log() (keys []string, err error) {
	return keys, e.d.st.View(context.Background(), func(tx store.Tx) error {
		return tx.Scan("audit", "", "", false, func(key string, _ []byte) bool { keys = append(keys, key); return true })
	})
}

func (e *editor) get(bucket, key string) (raw []byte, err error) {
	return raw, e.d.st.View(context.Background(), func(tx store.Tx) error {
		found, err := tx.Get(bucket, key)
		raw = bytes.Clone(found)
		return err
	})
}

// while puts a record, verifies the log and puts the record back. It returns an
// error unless the verification complains with these words, or not at all if
// they are "".
func (e *editor) while(bucket, key string, was, now []byte, names, what string) error {
	put := func(value []byte) error {
		return e.d.st.Update(context.Background(), func(tx store.Tx) error {
			if value == nil {
				return tx.Delete(bucket, key)
			}
			return tx.Put(bucket, key, value)
		})
	}
	if err := put(now); err != nil {
		return err
	}
	said := e.d.checkAudit()
	if err := put(was); err != nil {
		return err
	}
	switch {
	case names == "" && said != nil:
		return fmt.Errorf("%s, which is progress, and the audit log complains: %w", what, said)
	case names != "" && said == nil:
		return fmt.Errorf("%s, and nothing is noticed", what)
	case names != "" && !strings.Contains(said.Error(), names):
		return fmt.Errorf("%s, and %q is not named: %w", what, names, said)
	}
	return nil
}
