// Command alsbot is a Slack bot and scheduler that operates ALS and Stackato
// clusters. See README.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"alsbot/app"
	"alsbot/config"
	"alsbot/runs"
	"alsbot/store"
)

// These are the exit statuses, besides 0 and, for any other error, 1.
const (
	exitConfig  = 2 // the config or the command line is wrong
	exitHeld    = 3 // another alsbot has the store
	exitDamaged = 4 // the store's file is damaged, missing, or not the one that it should be
)

func main() {
	store.CheckMain()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := command().ExecuteContext(ctx)
	stop()
	if err == nil {
		return
	}
	if said := exitError(0); !errors.As(err, &said) {
		fmt.Fprintf(os.Stderr, "alsbot: %s\n", inert(err.Error()))
	}
	os.Exit(status(err))
}

func status(err error) int {
	var bad *config.Error
	var usage usageError
	var coded exitError
	switch {
	case errors.As(err, &coded):
		return int(coded)
	case errors.As(err, &bad), errors.As(err, &usage), errors.Is(err, store.ErrExists):
		return exitConfig
	case errors.Is(err, store.ErrHeld):
		return exitHeld
	case errors.Is(err, store.ErrDamaged), errors.Is(err, store.ErrMissing), errors.Is(err, store.ErrReplaced), errors.Is(err, runs.ErrHead):
		return exitDamaged
	}
	return 1
}

// usageError wraps an error in the command line or the config.
type usageError struct{ error }

// exitError ends the program with a status and prints nothing: everything has
// been printed already.
type exitError int

func (c exitError) Error() string { return fmt.Sprintf("exit status %d", int(c)) }

// systemConfig is the path that deploy/alsbot.service uses. With it, the
// commands that messages name work in any directory of the alsbot host.
const systemConfig = "/etc/alsbot/config.yaml"

// where returns the first file that exists, or else the first name.
func where(files ...string) string {
	for _, f := range files {
		if _, err := os.Stat(f); err == nil {
			return f
		}
	}
	return files[0]
}

// cli holds what the subcommands share.
type cli struct{ path string }

func command() *cobra.Command {
	c := &cli{}
	root := &cobra.Command{
		Use:           "alsbot",
		Short:         "operates ALS and Stackato clusters from Slack, on time and on record",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.PersistentFlags().StringVar(&c.path, "config", where("config.yaml", systemConfig), "the configuration `file`")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w. Type `%s --help`", err, cmd.CommandPath())}
	})
	root.AddCommand(c.serve(), c.check(), c.trust(), c.do(), c.runs(), c.output(), c.audit(), c.snapshot(), c.reconcile(), c.nagios(), c.manifest(), version())
	family(root)
	answerUsage(root)
	inOneVoice(root)
	return root
}

// inOneVoice gives the commands that cobra adds texts in our style.
func inOneVoice(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "help":
			cmd.Short = "show what a command does and takes"
		case "completion":
			cmd.Short = "print what makes your shell complete these commands"
		}
	}
}

// family marks a command that does nothing without a subcommand. Alone it
// shows its help; with an unknown word it suggests a subcommand.
func family(cmd *cobra.Command) {
	cmd.SuggestionsMinimumDistance = 2
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		meant := ""
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			meant = fmt.Sprintf(" Did you mean `%s %s`?", cmd.CommandPath(), near[0])
		}
		return usageError{fmt.Errorf("there is no command %q.%s Type `%s --help` to see all", args[0], meant, cmd.CommandPath())}
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	cmd.DisableFlagsInUseLine = true
}

// answerUsage makes every command answer too many or too few words with its
// usage. A command that accepts any words, as a Nagios plugin does, checks
// them itself.
func answerUsage(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		answerUsage(sub)
	}
	fits := cmd.Args
	if cmd.HasSubCommands() || fits == nil {
		return
	}
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if fits(cmd, args) == nil {
			return nil
		}
		given := "nothing is given"
		if len(args) > 0 {
			given = fmt.Sprintf("given is %q", args)
		}
		return usageError{fmt.Errorf("usage: %s; %s. Type `%s --help`", cmd.UseLine(), given, cmd.CommandPath())}
	}
}

func (c *cli) load() (*config.Config, error) { return c.loadBy(config.Load) }

// loadBare is like load but needs no secrets: people who type commands on the
// alsbot host don't have them, and these commands don't use them.
func (c *cli) loadBare() (*config.Config, error) { return c.loadBy(config.LoadWithoutSecrets) }

func (c *cli) loadBy(load func(string, []string) (*config.Config, error)) (*config.Config, error) {
	cfg, err := load(c.path, os.Environ())
	if errors.Is(err, os.ErrPermission) {
		err = fmt.Errorf("%w. It belongs to the bot's own user: run this as that user, or as root", err)
	}
	if err != nil {
		return nil, usageError{err}
	}
	return cfg, nil
}

func (c *cli) serve() *cobra.Command {
	var how app.Start
	cmd := &cobra.Command{
		Use: "serve", Short: "run the bot until it is told to stop", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := c.load()
			if err != nil {
				return err
			}
			out := newLogPipe(os.Stderr)
			defer out.flush()
			log := slog.New(slog.NewTextHandler(out, nil))
			slog.SetDefault(log) // what libraries log must not wait for a reader either
			for _, w := range cfg.Warnings {
				log.Warn(w)
			}
			defer outlive(log)()
			a, err := app.New(cfg, log, how)
			if err == nil {
				err = a.Run(cmd.Context())
				log.Info("alsbot has stopped; what runs on nodes goes on")
			}
			if err == nil {
				return nil
			}
			show(out, "alsbot: "+err.Error())
			return exitError(status(err))
		},
	}
	cmd.Flags().BoolVar(&how.AcceptRestored, "accept-restored", false, "the store was put back from a snapshot on purpose: accept that it is older, on record")
	cmd.Flags().BoolVar(&how.NewStore, "new-store", false, "the store is lost: begin with an empty one, on record")
	return cmd
}

// outlive keeps two signals from ending the bot until the returned function is
// called: SIGPIPE, when whoever reads its log is gone, and SIGHUP, when its
// terminal is, or when somebody expects a reload.
func outlive(log *slog.Logger) (end func()) {
	hup, pipe := make(chan os.Signal, 1), make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	signal.Notify(pipe, syscall.SIGPIPE) // not Ignore: a process that alsbot starts would inherit that
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-hup:
				log.Warn("SIGHUP changes nothing: alsbot reads its config at the start; restart it after a change")
			case <-done:
				return
			}
		}
	}()
	return func() { close(done) }
}

func (c *cli) check() *cobra.Command {
	var connect bool
	cmd := &cobra.Command{
		Use: "check", Short: "check the config and, with --connect, Slack and every node", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := c.load()
			if err != nil {
				return err
			}
			if !app.Check(cmd.Context(), cfg, connect, cmd.OutOrStdout()) {
				return exitError(1)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&connect, "connect", false, "also ask Slack for scopes and channels, and log in to every node")
	return cmd
}

func (c *cli) trust() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: "trust CLUSTER", Short: "show the host keys of a cluster's nodes and, with --yes, add them to known_hosts", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := c.loadBare()
			if err != nil {
				return err
			}
			note := func(t app.Trusted) error { return noteTrust(cmd.Context(), cfg, t) }
			return app.Trust(cmd.Context(), cfg, args[0], yes, note, cmd.OutOrStdout())
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "the fingerprints were compared with the nodes' consoles: add the keys")
	return cmd
}

func (c *cli) manifest() *cobra.Command {
	return &cobra.Command{
		Use: "manifest", Short: "print the manifest of the Slack app", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			m, err := app.Manifest(c.path, os.Environ())
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(m)
			return err
		},
	}
}

func version() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "print the version and the number of its store's schema", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "alsbot %s, store schema %d\n", app.Version(), app.Schema())
			return err
		},
	}
}
