package node

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

func supportCommands() []command {
	const formats = ", -j --json, -y --yaml"
	list := []command{
		{words: "history", options: "-n --node=IP, -j --json", run: (*kato).history},
		{words: "inspect", options: "-v --verbose", args: "[all|list|group <group>|tests <test>...]", max: -1, run: (*kato).inspect},
		{words: "report", options: "-c --cluster, -n --node=IP, -v --verbose", run: (*kato).report},
		{words: "log drain status", options: "-n --not-running" + formats, args: "[<drain>...]", max: -1, run: (*kato).drains},
		{words: "log drain list", options: "-j --json, -y --yaml", run: (*kato).drains},
		{words: "log tail", options: "--no-color, --raw, --json, --time, -n --num=N, -l --level=L", args: "[<component>...]", max: -1, run: (*kato).tail},
		{words: "log stream", options: "--no-color, --raw, --json, --time", args: "<key>...", min: 1, max: -1, run: (*kato).tail},
		{words: "node availabilityzone", options: "-n --node=IP", args: "[<zone>]", max: 1, run: (*kato).zone},
		{words: "op custom_ssl_cert list", run: (*kato).nothing},
		{words: "license set", args: "[<value>]", max: 1, admin: true, run: (*kato).nothing},
		{words: "license enable", admin: true, run: (*kato).nothing},
		{words: "license disable", admin: true, run: (*kato).nothing},
	}
	for _, words := range []string{"shell", "debug redis", "debug configwatch"} {
		list = append(list, command{words: words, options: "-d --dump-tree, -s --no-value", max: -1, run: (*kato).interactive})
	}
	return list
}

func (k *kato) nothing() int { return 0 }

func (k *kato) interactive() int { return k.fail("stdin: is not a tty") }

func (k *kato) history() int {
	events := slices.Clone(k.s.History)
	if node := k.flags["node"]; node != "" {
		events = slices.DeleteFunc(events, func(e Event) bool { return e.Node != node })
	}
	if k.has("json") {
		k.out.json(events)
		return 0
	}
	for _, e := range events {
		k.out.line("%s  %s  %s (%s)", e.Time.UTC().Format(time.DateTime), e.Node, e.Command, e.Status)
	}
	return 0
}

// report writes a real archive. The node's /tmp is in the node's directory.
func (k *kato) report() int {
	file := filepath.Join(k.root, "tmp", "stackato-report.tgz")
	k.out.heading("Collecting logs and configuration")
	if !k.dry {
		if err := k.writeReport(file); err != nil {
			return k.fail("%s", err)
		}
	}
	k.out.line("Report written to %s", file)
	return 0
}

func (k *kato) writeReport(file string) error {
	f, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	zip := gzip.NewWriter(f)
	out := tar.NewWriter(zip)
	log, err := os.ReadFile(filepath.Join(k.root, "home", "helion", "logs", "kato.log"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("writing the report: %w", err)
	}
	return errors.Join(
		addDir(out, "stackato-report/"),
		addFile(out, "stackato-report/version", k.s.Nodes[k.node].Version+"\n"),
		addFile(out, "stackato-report/logs/kato.log", string(log)),
		addFile(out, "stackato-report/config.yml", yamlOf(k.s.tree(), "")),
		out.Close(), zip.Close(), f.Close())
}

// drains prints in colour, as the real command does even without a terminal.
func (k *kato) drains() int {
	if k.has("json") {
		k.out.json(map[string]any{"builtin.apptail": map[string]any{k.s.Core: map[string]any{"name": "RUNNING", "rev": 3, "error": ""}}})
		return 0
	}
	if !k.has("not-running") {
		k.out.line("%-20s\t%s\t%s[%d]", "appdrain.1.mine", k.s.Core, "RUNNING", 53)
		k.out.line("%-20s\t%s\t%s[%d]", "builtin.apptail", k.s.Core, "RUNNING", 3)
	}
	k.out.line("%-20s\t%s\t%s[%d]\t%s", "appdrain.1.mydrain", k.s.Core, "RETRYING", 75, "\x1b[31minvalid port 3424252\x1b[0m")
	return 0
}

// tail never ends.
func (k *kato) tail() int {
	for {
		k.out.line("systail@%s: router2g: keepalive", k.node)
		time.Sleep(max(k.s.Pace, 100*time.Millisecond))
	}
}

func (k *kato) zone() int {
	k.out.line("Availability zone on node %s is '%s'.", k.target(), "default")
	return 0
}
