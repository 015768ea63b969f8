package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"

	"github.com/spf13/cobra"

	"alsbot/app"
	"alsbot/config"
	"alsbot/runs"
	"alsbot/store"
)

func (c *cli) audit() *cobra.Command {
	cmd := &cobra.Command{Use: "audit", Short: "check or print the audit log"}
	family(cmd)
	cmd.AddCommand(c.auditVerify(), c.auditExport())
	return cmd
}

func (c *cli) auditVerify() *cobra.Command {
	var head string
	cmd := &cobra.Command{
		Use: "verify", Short: "check the hash chain of the audit log, and the records of runs against it", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var witness runs.AuditHead
			if head != "" {
				var err error
				if witness, err = runs.ParseHead(head); err != nil {
					return usageError{fmt.Errorf("--head: %w", err)}
				}
			}
			cfg, err := c.loadBare()
			if err != nil {
				return err
			}
			found, err := verifyAudit(cmd.Context(), cfg, witness)
			if err != nil {
				return errors.New(inert(err.Error())) // it may quote what somebody wrote into the store
			}
			return whole(cmd.OutOrStdout(), found)
		},
	}
	cmd.Flags().StringVar(&head, "head", "", "`SEQ:HASH` of an entry, noted before: the log must have exactly that entry")
	return cmd
}

// verifyAudit checks the log through the bot or, if no bot runs, on the file.
func verifyAudit(ctx context.Context, cfg *config.Config, head runs.AuditHead) (found runs.Verified, err error) {
	path := "/audit"
	if head != (runs.AuditHead{}) {
		path += "?" + url.Values{"head": {head.String()}}.Encode()
	}
	err = newLocal(cfg.Admin.Socket).decode(ctx, http.MethodGet, path, nil, &found)
	if errors.Is(err, errNotRunning) {
		err = offline(cfg, func(st store.Store) (err error) {
			found, err = app.VerifyAudit(ctx, cfg, st, head)
			return err
		})
	}
	return found, err
}

func whole(out io.Writer, found runs.Verified) error {
	text := fmt.Sprintf("the audit log is whole: %d entries\nruns that match it: %d\n", found.Entries, found.Runs)
	if found.Earlier > 0 {
		text += fmt.Sprintf("runs that it doesn't cover, because an earlier version recorded them: %d\n", found.Earlier)
	}
	if found.Entries > 0 {
		text += fmt.Sprintf("head %s\n", found.Head)
	}
	_, err := io.WriteString(out, text)
	return err
}

func (c *cli) auditExport() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use: "export", Short: "print the audit log, one entry a line; the head comes last, on stderr", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if format != "jsonl" {
				return usageError{fmt.Errorf("--format: %q is no format of the audit log: write jsonl", format)}
			}
			cfg, err := c.loadBare()
			if err != nil {
				return err
			}
			out := &lastLine{w: cmd.OutOrStdout()}
			if err := exportAudit(cmd.Context(), cfg, out); err != nil {
				return fmt.Errorf("exporting the audit log: %w. What was printed is not all", err)
			}
			if len(out.last) == 0 {
				show(cmd.ErrOrStderr(), "the audit log has no entry yet")
				return nil
			}
			head, err := runs.HeadOf(out.last)
			if err != nil {
				return err
			}
			show(cmd.ErrOrStderr(), "head "+head.String())
			return nil
		},
	}
	cmd.Flags().StringVar(&format, "format", "jsonl", "the `format`: jsonl, JSON Lines")
	return cmd
}

func exportAudit(ctx context.Context, cfg *config.Config, out io.Writer) error {
	body, err := newLocal(cfg.Admin.Socket).ask(ctx, http.MethodGet, "/audit/export", nil)
	if errors.Is(err, errNotRunning) {
		buffered := bufio.NewWriter(out)
		return offline(cfg, func(st store.Store) error {
			return errors.Join(runs.ExportAudit(ctx, st, buffered), buffered.Flush())
		})
	}
	if err != nil {
		return err
	}
	_, err = io.Copy(out, body)
	return errors.Join(err, body.Close())
}

// lastLine passes text on and keeps its last whole line.
type lastLine struct {
	w    io.Writer
	last []byte // without its end
	part []byte // of a line that has not ended yet
}

func (l *lastLine) Write(p []byte) (int, error) {
	for _, c := range p {
		if c == '\n' {
			l.last, l.part = l.part, l.last[:0]
			continue
		}
		l.part = append(l.part, c)
	}
	return l.w.Write(p)
}

// noteTrust has the audit log know of host keys before they are added. Before
// alsbot has started for the first time there is no log.
func noteTrust(ctx context.Context, cfg *config.Config, t app.Trusted) error {
	var done bool
	err := newLocal(cfg.Admin.Socket).decode(ctx, http.MethodPost, "/audit/trusted", t, &done)
	if !errors.Is(err, errNotRunning) {
		return err
	}
	if _, err := os.Stat(cfg.Store.Path); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return offline(cfg, func(st store.Store) error { return app.NoteIn(ctx, st, t.Entry(app.LocalUser())) })
}
