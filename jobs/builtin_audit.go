package jobs

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"alsbot/als"
	"alsbot/config"
	"alsbot/runs"
	"alsbot/store"
)

var auditCommand = builtin{reply: (*builtins).showAudit, effect: als.Read, op: als.Operation{
	Name:    "audit",
	Summary: "show the audit log: who requested, decided or was refused what",
	Detail: "You need operator access on the run's cluster. Without RUN it shows the newest entries of the clusters that you operate. " +
		"What concerns no cluster, such as starts of alsbot and snapshots, is shown to those who operate every cluster.",
	Example: "audit k3v9t2",
	Params:  []als.Param{{Name: "RUN", Kind: als.KindName, Optional: true, Help: "the ID of a run, as `runs` shows it"}},
}}

const (
	auditBack    = 20_000 // entries that are looked through for a list
	auditOfRun   = 40     // entries of one run that are shown
	detailListed = 120    // characters of an entry's detail in a list
	detailOfRun  = 400
)

func (b *builtins) showAudit(ctx context.Context, c call) (Answer, error) {
	seen, err := b.auditScope(ctx, c)
	if err != nil {
		return Answer{}, err
	}
	if id := c.req.Arg(0); id != "" {
		return b.auditOf(ctx, seen, id)
	}
	var list []runs.Entry
	var head runs.Entry
	more := false
	err = b.st.View(ctx, func(tx store.Tx) (err error) {
		list, more = nil, false
		if head, err = runs.LastEntry(tx); err != nil {
			return err
		}
		back := 0
		var bad error
		err = runs.EachEntry(tx, func(en runs.Entry) bool {
			var cluster string
			cluster, bad = clusterOf(tx, en)
			if bad == nil && seen.shows(cluster) {
				list = append(list, en)
			}
			back++
			more = len(list) == listed || back == auditBack
			return bad == nil && !more
		})
		return errors.Join(err, bad)
	})
	if err != nil {
		return Answer{}, err
	}
	if len(list) == 0 {
		return Answer{Text: "The audit log has no entry that you may see yet. Type `whoami` to see which clusters you operate."}, nil
	}
	text := fmt.Sprintf("The newest entries first. Type `audit RUN` for all of one run. The log's head is `%s`.", runs.AuditHead{Seq: head.Seq, Hash: head.Hash})
	if more {
		text += " `alsbot audit export --format jsonl` on the alsbot host prints the whole log."
	}
	return Answer{Text: text, Pre: entryTable(list, detailListed)}, nil
}

// auditOf shows the entries of one run, also of one that retention has removed.
func (b *builtins) auditOf(ctx context.Context, seen auditScope, id string) (Answer, error) {
	var list []runs.Entry
	older, mayBe := false, false
	err := b.st.View(ctx, func(tx store.Tx) (err error) {
		mayBe = false
		if list, older, err = runs.EntriesOf(tx, id, auditOfRun); err != nil || len(list) == 0 {
			return err
		}
		cluster := ""
		for _, en := range list {
			if cluster == "" {
				if cluster, err = clusterOf(tx, en); err != nil {
					return err
				}
			}
		}
		mayBe = seen.shows(cluster)
		return nil
	})
	if err != nil {
		return Answer{}, err
	}
	if !mayBe {
		return Answer{}, &als.Refusal{Text: fmt.Sprintf("The audit log has no run %q on a cluster that you operate", id), Next: als.Advise("Type %s to see the latest, %s to see what you may do", als.Typed("runs"), als.Typed("whoami"))}
	}
	text := ""
	if older {
		text = fmt.Sprintf("The newest %d entries of run %s.", auditOfRun, id)
	}
	return Answer{Text: text, Pre: entryTable(list, detailOfRun)}, nil
}

// auditScope is what a person may see of the audit log.
type auditScope struct {
	operates map[string]bool
	all      bool   // operates every cluster
	only     string // the cluster that the command names
}

// shows reports whether an entry about a cluster, "" for none, is shown.
func (s auditScope) shows(cluster string) bool {
	if s.only != "" {
		return cluster == s.only && s.operates[cluster]
	}
	return s.operates[cluster] || s.all
}

// auditScope refuses a person who operates no cluster, or not the one that
// they name, or whose rights cannot be looked up.
func (b *builtins) auditScope(ctx context.Context, c call) (auditScope, error) {
	s := auditScope{operates: map[string]bool{}, all: true, only: c.req.Cluster}
	if s.only != "" {
		s.operates[s.only], s.all = true, false
		return s, b.rights.requireRole(ctx, c.By, Operator, s.only)
	}
	rctx, cancel := context.WithTimeout(ctx, lookup)
	defer cancel()
	for _, cl := range b.cfg.Clusters {
		ok, err := b.rights.may(rctx, c.By, Operator, cl.Name, Cached)
		if err != nil {
			return s, b.rights.unknown(c.By, err)
		}
		s.operates[cl.Name], s.all = ok, s.all && ok
	}
	if !s.any(b.cfg.Clusters) {
		if err := b.rights.requireRole(ctx, c.By, Operator, ""); err != nil {
			return s, err
		}
		return s, lacks(Operator, "")
	}
	return s, nil
}

func (s auditScope) any(all []config.Cluster) bool {
	for _, cl := range all {
		if s.operates[cl.Name] {
			return true
		}
	}
	return len(all) == 0 && s.all
}

// clusterOf returns the cluster of an entry. An entry of an earlier version
// names only its run.
func clusterOf(tx store.Tx, en runs.Entry) (string, error) {
	if en.Cluster != "" || en.Run == "" {
		return en.Cluster, nil
	}
	r, _, err := runs.Get(tx, en.Run)
	return r.Request.Cluster, err
}

func entryTable(list []runs.Entry, detail int) string {
	t := newTable("ENTRY", "AT", "BY", "WHAT", "RUN", "DETAIL")
	for _, en := range list {
		text := plain(en.Detail)
		if r := []rune(text); len(r) > detail {
			text = string(r[:detail-1]) + "…"
		}
		t.row(strconv.FormatUint(en.Seq, 10), en.At.UTC().Format(slotTime), plain(en.By.Name()), strings.ReplaceAll(en.Action, "_", " "), en.Run, text)
	}
	return t.String()
}
