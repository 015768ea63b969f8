package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"alsbot/als"
	"alsbot/app"
	"alsbot/config"
	"alsbot/jobs"
	"alsbot/runs"
)

// local sends requests to the running bot over its socket.
type local struct {
	http *http.Client
	path string
}

var errNotRunning = errors.New("the bot is not running")

func newLocal(path string) *local {
	return &local{path: path, http: &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		},
	}}}
}

// ask sends a request and returns the body. The caller must close it.
func (l *local) ask(ctx context.Context, method, path string, body any) (io.ReadCloser, error) {
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("preparing the question: %w", err)
		}
		in = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://alsbot"+path, in)
	if err != nil {
		return nil, fmt.Errorf("preparing the question: %w", err)
	}
	resp, err := l.http.Do(req)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return nil, fmt.Errorf("%w: nobody answers at %s (admin.socket). Start it: `systemctl start alsbot`, or `alsbot serve` as its own user", errNotRunning, l.path)
	}
	if errors.Is(err, os.ErrPermission) {
		return nil, fmt.Errorf("the socket %s belongs to the bot's own user: run this as that user, or as root: %w", l.path, os.ErrPermission)
	}
	if err != nil {
		return nil, fmt.Errorf("asking the running alsbot: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10)) // as much of the reason as arrived
		return nil, errors.New(strings.TrimSpace(string(text)))
	}
	return resp.Body, nil
}

func (l *local) decode(ctx context.Context, method, path string, body, v any) error {
	r, err := l.ask(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer r.Close()
	if err := json.NewDecoder(r).Decode(v); err != nil {
		return fmt.Errorf("reading the answer of the running alsbot: %w", err)
	}
	return nil
}

func (c *cli) local() (*local, error) {
	cfg, err := c.loadBare()
	if err != nil {
		return nil, err
	}
	return newLocal(cfg.Admin.Socket), nil
}

// do requests a command and, if it becomes a run, follows the run to its end.
func (c *cli) do() *cobra.Command {
	var wait bool
	cmd := &cobra.Command{
		Use: `do "COMMAND"`, Short: "give the running bot a command, e.g. \"patch status @prod\"; the way in when Slack is down",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := c.local()
			if err != nil {
				return err
			}
			var ans jobs.Answer
			q := map[string]string{"Key": rand.Text(), "Text": strings.Join(args, " ")}
			if err := l.decode(cmd.Context(), http.MethodPost, "/ask", q, &ans); err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			show(out, strings.Join(append([]string{ans.Text}, ans.Channels...), " "))
			show(out, ans.Pre)
			switch {
			case ans.Bad:
				return exitError(1)
			case ans.Run == "" || !wait:
				return nil
			}
			return follow(cmd.Context(), l, ans.Run, out)
		},
	}
	cmd.Flags().BoolVar(&wait, "wait", true, "wait for the end of the run and exit with 0 only if it succeeded, with 5 if that could not be confirmed")
	return cmd
}

// unconfirmedStatus is the exit status of do for a run whose steps ended and
// whose effect could not be seen.
const unconfirmedStatus = 5

// follow waits for the end of a run and prints the result. The run doesn't
// depend on follow: if the waiting ends early, the error says how to go on.
func follow(ctx context.Context, l *local, id string, out io.Writer) error {
	tick := time.NewTicker(300 * time.Millisecond)
	defer tick.Stop()
	var last runs.State
	for ; ; <-tick.C {
		var r runs.Run
		err := l.decode(ctx, http.MethodGet, "/runs/"+url.PathEscape(id), nil, &r)
		var cut *url.Error // the bot stopped, or restarted, in the middle of an answer
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("run %s goes on without this command; `alsbot do \"run %s\"` shows it", id, id)
		case errors.Is(err, errNotRunning):
			return fmt.Errorf("alsbot has stopped. Run %s is not lost: what runs on nodes goes on, and the next start takes it up. "+
				"Do not ask for it again; when alsbot runs, type `alsbot do \"run %s\"`", id, id)
		case errors.As(err, &cut):
			continue
		case err != nil:
			return err
		}
		if r.State != last {
			last = r.State
			show(out, "run "+id+": "+string(r.State))
			if r.State == runs.Awaiting {
				show(out, "It waits until somebody who may approves it in Slack; `alsbot do \"approvals\"` shows what waits. "+
					"Ctrl-C leaves it waiting, `alsbot do \"cancel "+id+"\"` withdraws it")
			}
		}
		if r.State.Final() {
			return ended(ctx, l, r, out)
		}
	}
}

func ended(ctx context.Context, l *local, r runs.Run, out io.Writer) error {
	if r.Verdict != nil {
		show(out, r.Verdict.Summary)
		show(out, r.Verdict.Report)
	}
	show(out, r.Trouble)
	if r.Verdict == nil || !r.Verdict.Whole {
		if err := printOutput(ctx, l, r.ID, out, "| "); err != nil {
			return err
		}
	}
	show(out, r.Next.Text)
	switch r.State {
	case runs.Succeeded:
		return nil
	case runs.Unconfirmed:
		return exitError(unconfirmedStatus)
	default:
		return exitError(1)
	}
}

// show prints text on a terminal without the control sequences that a node may
// have printed.
func show(out io.Writer, text string) {
	if text = strings.TrimRight(text, "\n"); text != "" {
		_, _ = fmt.Fprintln(out, inert(text)) // SIGPIPE ends the process if the pipe is closed
	}
}

// inert removes escape sequences from text, and shows what is invisible by its
// code.
func inert(text string) string {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(als.StripANSI(text))
	return als.Visible(text)
}

// marked sets a mark before each line, so that no line that a node printed
// passes for one of alsbot's own.
func marked(text, mark string) string {
	text = strings.TrimRight(text, "\n")
	if text == "" {
		return ""
	}
	return mark + strings.ReplaceAll(text, "\n", "\n"+mark)
}

// printOutput prints what the nodes printed: as it is into a pipe, and on a
// terminal made harmless, with a mark before each line.
func printOutput(ctx context.Context, l *local, id string, out io.Writer, mark string) error {
	body, err := l.ask(ctx, http.MethodGet, "/runs/"+url.PathEscape(id)+"/output", nil)
	if err != nil {
		return err
	}
	defer body.Close()
	if f, ok := out.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			all, err := io.ReadAll(io.LimitReader(body, 16<<20))
			show(out, marked(inert(string(all)), mark))
			return err
		}
	}
	_, err = io.Copy(out, body)
	return err
}

func (c *cli) output() *cobra.Command {
	return &cobra.Command{
		Use: "output RUN", Short: "print all that the nodes printed in a run: raw into a pipe, made harmless on a terminal", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := c.local()
			if err != nil {
				return err
			}
			return printOutput(cmd.Context(), l, args[0], cmd.OutOrStdout(), "")
		},
	}
}

func (c *cli) runs() *cobra.Command {
	var n int
	var cluster string
	cmd := &cobra.Command{
		Use: "runs", Short: "list the last runs", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := c.loadBare()
			if err != nil {
				return err
			}
			var list []runs.Run
			q := url.Values{"n": {fmt.Sprint(n)}, "cluster": {strings.TrimPrefix(cluster, "@")}}
			if err := newLocal(cfg.Admin.Socket).decode(cmd.Context(), http.MethodGet, "/runs?"+q.Encode(), nil, &list); err != nil {
				return err
			}
			if len(list) == 0 {
				return noRuns(cmd.ErrOrStderr(), cfg, cluster)
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, r := range list {
				if _, err := fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", r.ID, r.State, r.Asked.Format(time.RFC3339), inert(r.By.Name()), inert(r.Text)); err != nil {
					return err
				}
			}
			return w.Flush()
		},
	}
	cmd.Flags().IntVarP(&n, "number", "n", 20, "how many")
	cmd.Flags().StringVar(&cluster, "cluster", "", "only those of this cluster")
	return cmd
}

// noRuns says that there are no runs, where no script reads it, or that there
// is no such cluster. A cluster that has left the config may still have runs.
func noRuns(out io.Writer, cfg *config.Config, cluster string) error {
	if cluster != "" {
		if _, err := app.ClusterNamed(cfg, cluster); err != nil {
			return err
		}
	}
	show(out, "there is no run yet")
	return nil
}
