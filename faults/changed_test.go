package faults

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"alsbot/runs"
	"alsbot/sim/node"
	"alsbot/store"
)

// changed tests a change, between approval and start, of each thing that an
// approval is bound to. A trial is a request.
func changed(t *testing.T, r *report) {
	cases := []struct {
		name, text string
		do         func(d *engineBed, id string) error
	}{
		{"a patch was published", "patch install @c0", func(d *engineBed, _ string) error {
			return d.nodes.Publish(node.Patch{Name: "late-fix", Severity: "required", Roles: []string{"router"}})
		}},
		{"a node has left", "patch install @c0", func(d *engineBed, _ string) error {
			return d.nodes.Update(func(s *node.State) { delete(s.Nodes, "10.0.0.12") })
		}},
		{"a node has another role", "patch install @c0", func(d *engineBed, _ string) error {
			return d.nodes.Update(func(s *node.State) { delete(s.Nodes["10.0.0.12"].Roles, "dea") })
		}},
		{"the approval has no digest", "patch update @c0", func(d *engineBed, id string) error {
			return d.edit("approvals", id, func(a map[string]any) { a["digest"] = "" })
		}},
		{"the approval has another digest", "patch update @c0", func(d *engineBed, id string) error {
			return d.edit("approvals", id, func(a map[string]any) { a["digest"] = "00" })
		}},
		{"the run has no digest", "patch update @c0", func(d *engineBed, id string) error {
			return d.edit("runs", id, func(run map[string]any) { run["digest"] = "" })
		}},
		{"the plan on record has another command", "patch update @c0", func(d *engineBed, id string) error {
			return d.edit("runs", id, func(run map[string]any) {
				step := run["plan"].(map[string]any)["steps"].([]any)[0].(map[string]any)
				step["argv"] = []string{"kato", "patch", "reset"}
			})
		}},
		{"kato is elsewhere by the config", "patch update @c0", func(d *engineBed, _ string) error {
			d.stop()
			d.cfg.Clusters[0].Kato = d.nodes.Home(d.nodes.Core) + "/bin/kato"
			d.open()
			return nil
		}},
	}
	for range r.n {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				d := newEngineBed(t, nil)
				err := d.voidAfter(c.text, func(id string) error { return c.do(d, id) })
				if err != nil {
					err = fmt.Errorf("%s: %w", c.name, err)
				}
				r.trial(err)
			})
		}
	}
}

// voidAfter requests, changes something and approves. It returns an error if
// anything ran.
func (d *engineBed) voidAfter(text string, change func(id string) error) error {
	home := d.nodes.Home(d.nodes.Core)
	if err := os.Rename(home+"/bin/kato.sim", home+"/bin/kato"); err != nil { // what is shown must be true here
		return err
	}
	ans, err := d.say(ann, text)
	if err != nil {
		return err
	}
	id := ans.Run
	if _, err := d.until(id, func(r runs.Run) bool { return r.State == runs.Awaiting }); err != nil {
		return err
	}
	before, err := d.nodes.Calls()
	if err != nil {
		return err
	}
	if err := change(id); err != nil {
		return err
	}
	if err := d.press(bob, id, true, nil)(); err != nil {
		return err
	}
	r, err := d.end(id)
	if err != nil {
		return err
	}
	if r.State != runs.Void {
		return fmt.Errorf("run %s is %s: %s %+v %+v", id, r.State, r.Trouble, r.Steps, r.Verdict)
	}
	after, err := d.nodes.Calls()
	for _, call := range after[len(before):] {
		if len(call.Argv) > 1 && call.Argv[0] == "patch" && call.Argv[1] != "status" {
			err = fmt.Errorf("kato %v was run", call.Argv)
		}
	}
	if err == nil {
		err = d.checkRan(id, 0)
	}
	return err
}

// edit changes a record behind the engine's back.
func (d *engineBed) edit(bucket, key string, change func(map[string]any)) error {
	return d.st.Update(context.Background(), func(tx store.Tx) error {
		raw, err := tx.Get(bucket, key)
		if err != nil {
			return err
		}
		var record map[string]any
		if err := json.Unmarshal(raw, &record); err != nil {
			return err
		}
		change(record)
		if raw, err = json.Marshal(record); err != nil {
			return err
		}
		return tx.Put(bucket, key, raw)
	})
}
