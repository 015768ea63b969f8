// Command alsdemo runs alsbot on a simulated cluster and a simulated Slack
// workspace: one command, no account, no root, no network. The bot is the
// product's own code, in a process of its own that can be killed.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"alsbot/als"
	"alsbot/app"
	"alsbot/config"
	"alsbot/jobs"
	"alsbot/sim/node"
	"alsbot/sim/scene"
	"alsbot/sim/workspace"
	"alsbot/store"
)

func main() {
	node.Main()
	store.CheckMain()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "alsdemo: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	switch {
	case len(args) == 2 && args[0] == "bot":
		return bot(ctx, args[1])
	case len(args) == 1 && args[0] == "commands":
		_, err := fmt.Print(als.Markdown(jobs.Operations))
		return err
	}
	flags := flag.NewFlagSet("alsdemo", flag.ContinueOnError)
	listen := flags.String("listen", "127.0.0.1:8080", "where the page is served; loopback only")
	profile := flags.String("profile", node.ALS13, "the cluster's kato: als10, als11 or als13")
	if err := flags.Parse(args); err != nil {
		return err
	}
	return demo(ctx, *listen, *profile)
}

// bot runs alsbot serve. The demo starts it as a process of its own.
func bot(ctx context.Context, path string) error {
	cfg, err := config.Load(path, nil)
	if err != nil {
		return err
	}
	a, err := app.New(cfg, slog.New(slog.NewTextHandler(os.Stderr, nil)), app.Start{})
	if err != nil {
		return err
	}
	return a.Run(ctx)
}

// pace is how long one task of the simulated kato takes: long enough to watch.
const pace = 700 * time.Millisecond

// extra is added to the config that the scene writes for the bot. The licence
// key is invented.
const extra = `
monitoring: {newrelic: {license_key: demodemodemodemodemodemodemodemodemodemo}}
schedules:
  - {name: patch-check, cluster: prod, cron: "*/5 * * * *", timezone: UTC, command: "patch status"}
  - {name: nightly-backup, cluster: prod, cron: "0 3 * * *", timezone: UTC, command: "export cluster", catch_up: 6h}
`

func demo(ctx context.Context, listen, profile string) error {
	dir, err := os.MkdirTemp("", "alsdemo-")
	if err != nil {
		return fmt.Errorf("making the demo's directory: %w", err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // the temporary directory's own business
	d := &director{dir: dir}
	d.scene, err = scene.Start(scene.Options{
		Dir: dir, Listen: listen, Profile: profile, Pace: pace, Extra: extra,
		Suggest: suggest, Controls: d.controls(), Hints: hints,
	})
	if err != nil {
		return err
	}
	defer d.scene.Close() //nolint:errcheck // nothing is left to lose
	if err := d.start(ctx); err != nil {
		return err
	}
	defer d.kill()
	fmt.Printf(welcome, d.scene.Workspace.URL(), d.scene.Config, filepath.Join(dir, "alsbot.log"))
	<-ctx.Done()
	fmt.Println("\nGood-bye. Nothing is left behind.")
	return nil
}

func suggest(text string) []workspace.Suggestion {
	var out []workspace.Suggestion
	for _, s := range als.Complete(text, jobs.Operations, []string{"prod"}) {
		out = append(out, workspace.Suggestion{Text: s.Text, Help: s.Help})
	}
	return out
}

var hints = []string{
	"/als help",
	"/als patch status",
	"/als patch install",
	"/als plan patch install",
	"/als export cluster",
	"/als schedule run patch-check",
	"/als runs",
}

const welcome = `
alsbot's demo is at %s

Try, as Ann:
  /als patch status         what is missing on @prod, a simulated cluster of four nodes
  /als patch install        asks; then switch to Bob, look into #approvals and press Approve
  /als export cluster       a backup that is read back before it counts
  /als help                 everything else

While something runs: press "Kill the bot" on the page, wait, and start it again.
The run goes on where it was; the command ran once.
Or let the core lose its power while a patch goes in: see what is told, and type acknowledge.

The command line works here too:  make build && bin/alsbot --config %s do status
The bot's log: %s
Ctrl-C ends the demo and removes everything.
`
