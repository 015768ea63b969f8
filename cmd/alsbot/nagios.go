package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"alsbot/als"
	"alsbot/jobs"
)

// The statuses of the Nagios plugin guidelines, which are its exit statuses.
const (
	nagiosOK = iota
	nagiosWarning
	nagiosCritical
	nagiosUnknown
)

const (
	nagiosPatience = 10 * time.Second // Nagios itself gives up after a minute
	rolesFresh     = time.Hour        // how old a look at the roles may be
	patchesFresh   = 26 * time.Hour   // and one at the patches: a daily schedule, and some
)

// nagios is a plugin: one line, performance data behind a |, and the state as
// exit status. It reads what the bot knows and asks no node. Whatever goes
// wrong on the way is UNKNOWN; but that the bot is not there is what the check
// of alsbot itself is for, and CRITICAL there.
func (c *cli) nagios() *cobra.Command {
	var cluster, socket string
	cmd := &cobra.Command{
		Use:   "nagios CHECK",
		Short: "a Nagios plugin: " + strings.Join(als.NagiosChecks, ", "),
		Long: "A Nagios plugin. CHECK is one of " + strings.Join(als.NagiosChecks, ", ") + ".\n" +
			"It tells what the bot knows: put `status` and `patch status` on a schedule, at least hourly and daily,\n" +
			"and let it run as the bot's own user, who may open the bot's socket.",
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), nagiosPatience)
			defer cancel()
			return c.plugin(ctx, cmd.OutOrStdout(), args, cluster, socket)
		},
	}
	cmd.Flags().StringVar(&cluster, "cluster", "", "the cluster's `name`; not needed where there is one only")
	cmd.Flags().StringVar(&socket, "socket", "", "the running bot's `socket`; with it and --cluster the config is not read")
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return finding{state: nagiosUnknown, text: err.Error()}.tell(cmd.OutOrStdout(), "")
	})
	return cmd
}

// finding is what a check has to say.
type finding struct {
	state int
	text  string
	perf  string // label=value;warn;crit …
}

// tell prints the one line and returns the exit status as an error.
func (f finding) tell(out io.Writer, check string) error {
	word := []string{"OK", "WARNING", "CRITICAL", "UNKNOWN"}[f.state]
	text := strings.Join(strings.Fields(strings.ReplaceAll(f.text, "|", "/")), " ")
	line := strings.TrimSpace("ALSBOT "+strings.ToUpper(check)) + " " + word + " - " + text
	if f.perf != "" {
		line += " | " + f.perf
	}
	show(out, line)
	if f.state == nagiosOK {
		return nil
	}
	return exitError(f.state)
}

func (c *cli) plugin(ctx context.Context, out io.Writer, args []string, cluster, socket string) error {
	if len(args) != 1 || !slices.Contains(als.NagiosChecks, args[0]) {
		return finding{state: nagiosUnknown, text: "name one check: " + strings.Join(als.NagiosChecks, ", ")}.tell(out, "")
	}
	check := args[0]
	w, err := c.watched(ctx, cluster, socket)
	switch {
	case errors.Is(err, errNotRunning) && check == "alsbot":
		return finding{state: nagiosCritical, text: err.Error()}.tell(out, check)
	case err != nil:
		return finding{state: nagiosUnknown, text: err.Error()}.tell(out, check)
	}
	return judged(check, w, time.Now()).tell(out, check)
}

// watched asks the bot. Nagios's user need not be able to read the config,
// which may hold tokens, nor have the bot's environment: the socket and the
// cluster's name are enough.
func (c *cli) watched(ctx context.Context, cluster, socket string) (w jobs.Watched, err error) {
	if cluster == "" || socket == "" {
		cfg, err := c.loadBare()
		if err != nil {
			return w, err
		}
		if cluster == "" && len(cfg.Clusters) != 1 {
			return w, fmt.Errorf("say which of the %d clusters with --cluster NAME", len(cfg.Clusters))
		}
		cluster, socket = cmp.Or(cluster, cfg.Clusters[0].Name), cmp.Or(socket, cfg.Admin.Socket)
	}
	cluster = strings.TrimPrefix(cluster, "@")
	return w, newLocal(socket).decode(ctx, http.MethodGet, "/watch?cluster="+url.QueryEscape(cluster), nil, &w)
}

func judged(check string, w jobs.Watched, now time.Time) finding {
	switch check {
	case "backup":
		return backupFinding(w, now)
	case "patches":
		return patchesFinding(w, now)
	case "roles":
		return rolesFinding(w, now)
	case "alsbot":
		return ownFinding(w)
	}
	return finding{state: nagiosUnknown, text: "there is no check " + check}
}

// backupFinding warns of a backup older than backup.max_age, or of a newer one
// that is not verified; none at all, or twice that age, is critical.
func backupFinding(w jobs.Watched, now time.Time) finding {
	if w.Backup == nil {
		return finding{state: nagiosCritical, text: "there is no verified backup of " + w.Cluster + ": take one with `export cluster`"}
	}
	age := now.Sub(w.Backup.At)
	f := finding{
		text: fmt.Sprintf("the last verified backup of %s is %s old: %s", w.Cluster, age.Round(time.Minute), w.Backup.Path),
		perf: fmt.Sprintf("age=%.0fs;%.0f;%.0f;0 size=%dB;;;0", age.Seconds(), w.MaxAge.Seconds(), 2*w.MaxAge.Seconds(), w.Backup.Size),
	}
	switch {
	case age > 2*w.MaxAge:
		f.state = nagiosCritical
	case age > w.MaxAge:
		f.state = nagiosWarning
	case w.Newest != nil && w.Newest.Run != w.Backup.Run:
		f.state = nagiosWarning
		f.text += fmt.Sprintf("; the newest is %s (run %s)", w.Newest.Word(), w.Newest.Run)
	}
	return f
}

func patchesFinding(w jobs.Watched, now time.Time) finding {
	if bad := outdated(w.Patches, "patch status", patchesFresh, now); bad.text != "" {
		return bad
	}
	n := w.Patches.Data.Patches
	if n == nil {
		return noNumber(w.Patches, "waiting")
	}
	words, perf := severities(n.Severities)
	f := finding{text: fmt.Sprintf("patches waiting on %s: %d%s", w.Cluster, n.Waiting, words), perf: fmt.Sprintf("waiting=%d;0;;0%s", n.Waiting, perf)}
	switch {
	case n.Urgent > 0:
		f.state = nagiosCritical
	case n.Waiting > 0:
		f.state = nagiosWarning
	}
	return f
}

// severities tells the patches of each severity, in words and as performance
// data: any that is not left to choice is critical. While the severity of some
// is unknown, none found of another is not 0 but U, which is Nagios's unknown.
func severities(counts map[string]int) (words, perf string) {
	var said []string
	unknown, counted := counts[als.UnknownSeverity]
	vague := !counted || unknown > 0
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		number, limits := strconv.Itoa(counts[name]), ";;0;0"
		if als.Mild(name) {
			limits = ";0;;0"
		}
		switch {
		case number != "0" && name == als.UnknownSeverity:
			said = append(said, number+" of unknown severity")
		case number != "0":
			said = append(said, number+" "+name)
		case vague:
			number = "U"
		}
		perf += " " + name + "=" + number + limits
	}
	if len(said) > 0 {
		words = " (" + strings.Join(said, ", ") + ")"
	}
	return words, perf
}

func rolesFinding(w jobs.Watched, now time.Time) finding {
	if bad := outdated(w.Roles, "status", rolesFresh, now); bad.text != "" {
		return bad
	}
	n := w.Roles.Data.Roles
	if n == nil {
		return noNumber(w.Roles, "down")
	}
	f := finding{text: w.Roles.Summary, perf: fmt.Sprintf("down=%d;;0;0", n.Down)}
	if n.Down > 0 {
		f.state = nagiosCritical
	}
	return f
}

// outdated is the finding that there is no recent look; its text is "" if
// there is one.
func outdated(l *jobs.Look, command string, fresh time.Duration, now time.Time) finding {
	schedule := fmt.Sprintf(": put `%s` on a schedule, at least every %s", command, fresh)
	switch {
	case l == nil:
		return finding{state: nagiosUnknown, text: "nobody has looked with `" + command + "`" + schedule}
	case now.Sub(l.At) > fresh:
		return finding{state: nagiosUnknown, text: fmt.Sprintf("the last look is %s old%s", now.Sub(l.At).Round(time.Minute), schedule)}
	case l.Since != "":
		return finding{state: nagiosUnknown, text: fmt.Sprintf("run %s has changed the cluster since the last look%s", l.Since, schedule)}
	}
	return finding{}
}

func noNumber(l *jobs.Look, what string) finding {
	return finding{state: nagiosUnknown, text: fmt.Sprintf("run %s does not tell a number of what is %s", l.Run, what)}
}

func ownFinding(w jobs.Watched) finding {
	f := finding{text: "alsbot is ready", perf: fmt.Sprintf("lost=%d;0;;0", len(w.Lost))}
	switch {
	case w.NotReady != "":
		f.state, f.text = nagiosCritical, "alsbot is not ready: "+w.NotReady
	case len(w.Lost) > 0:
		f.state = nagiosWarning
		f.text = "a person has to settle what became of " + strings.Join(w.Lost, ", ") + ": type `run " + w.Lost[0] + "`"
	}
	return f
}
