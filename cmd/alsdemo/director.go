package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"alsbot/sim/node"
	"alsbot/sim/scene"
	"alsbot/sim/workspace"
)

// director controls the bot's process and the switches of the page.
type director struct {
	dir   string
	scene *scene.Scene

	mu  sync.Mutex
	bot *exec.Cmd
}

// start starts the bot if it isn't running.
func (d *director) start(context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.bot != nil {
		return nil
	}
	log, err := os.OpenFile(filepath.Join(d.dir, "alsbot.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("opening the bot's log: %w", err)
	}
	defer log.Close() //nolint:errcheck // the child has its own
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	cmd := exec.Command(self, "bot", d.scene.Config) //nolint:noctx // it is ended by kill
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting the bot: %w", err)
	}
	d.bot = cmd
	go func() {
		_ = cmd.Wait() // the bot's log says why it ended
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.bot == cmd {
			d.bot = nil
		}
	}()
	return nil
}

// kill ends the bot with kill -9.
func (d *director) kill() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.bot != nil {
		_ = d.bot.Process.Kill() // the bot may have just ended
		d.bot = nil
	}
}

func (d *director) running() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.bot == nil {
		return "not running"
	}
	return fmt.Sprintf("running, pid %d", d.bot.Process.Pid)
}

// The page can take these nodes down.
const (
	core   = "10.0.0.10"
	worker = "10.0.0.12"
)

func (d *director) controls() []workspace.Control {
	return []workspace.Control{
		{Name: "kill", Label: "Kill the bot", Help: "kill -9, in the middle of whatever it does", State: d.running,
			Do: func(context.Context) error { d.kill(); return nil }},
		{Name: "start", Label: "Start the bot", Help: "it picks up what is under way", Do: d.start},
		{Name: "patch", Label: "Publish a patch", Help: "one more patch to install; an approval given before is void", State: d.missing,
			Do: func(context.Context) error { return d.publish() }},
		d.fault("down@"+worker, "yes", "Node "+worker+" down", "connections to it are refused"),
		d.power(),
		d.fault("pretend", "yes:patch install", "kato lies", "patch install says ok and does nothing"),
		d.fault("fatal", "dea", "dea goes FATAL", "when it is started again"),
		d.fault("export", "truncated", "Exports are cut short", "the archive ends in the middle"),
	}
}

// fault returns a switch that turns one of the cluster's faults on and off.
func (d *director) fault(name, value, label, help string) workspace.Control {
	return d.toggle(name, label, help, func() error { return d.scene.Cluster.Fault(name, value) })
}

// power returns a switch that cuts the core's power in the middle of its work
// and restores it. Commands on the core are then lost.
func (d *director) power() workspace.Control {
	return d.toggle("down@"+core, "The core loses its power", "what runs there ends, and nobody can know how; press again and it is back",
		func() error { return d.scene.Cluster.Die(core) })
}

// toggle returns a switch that turns its fault on by calling do.
func (d *director) toggle(name, label, help string, do func() error) workspace.Control {
	on := func() bool {
		st, err := d.scene.Cluster.State()
		return err == nil && st.Faults[name] != ""
	}
	return workspace.Control{
		Name: strings.ReplaceAll(name, "@", "-"), Label: label, Help: help,
		State: func() string {
			if on() {
				return "on"
			}
			return "off"
		},
		Do: func(context.Context) error {
			if on() {
				return d.scene.Cluster.Fault(name, "")
			}
			return do()
		},
	}
}

func (d *director) missing() string {
	patches, err := d.scene.Cluster.Patches()
	if err != nil {
		return err.Error()
	}
	n := 0
	for _, p := range patches {
		if len(p.Installed) == 0 {
			n++
		}
	}
	return fmt.Sprintf("%d not installed", n)
}

func (d *director) publish() error {
	patches, err := d.scene.Cluster.Patches()
	if err != nil {
		return err
	}
	n := len(patches) + 1
	return errors.Join(err, d.scene.Cluster.Publish(node.Patch{
		Name: fmt.Sprintf("demo-fix-%d", n), Description: "A patch that the demo has published.", Severity: "recommended", Roles: []string{"dea", "router"},
	}))
}
