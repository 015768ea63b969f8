package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"alsbot/app"
	"alsbot/config"
	"alsbot/store"
)

// The commands below work on the whole store: through the bot or, if no bot
// runs, on the file.

func (c *cli) snapshot() *cobra.Command {
	return &cobra.Command{
		Use: "snapshot FILE", Short: "write a consistent copy of the store, also while the bot runs", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := c.loadBare()
			if err != nil {
				return err
			}
			if err := takeSnapshot(cmd.Context(), cfg, args[0]); err != nil {
				return fmt.Errorf("taking a snapshot: %w", err)
			}
			whole, err := filepath.Abs(args[0])
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is a copy of the store. To go back to it: stop alsbot; type\n  %s\nthen start it with `alsbot serve --accept-restored`, and type `alsbot reconcile`\n",
				args[0], store.RestoreCommand(whole, cfg.Store.Path))
			return err
		},
	}
}

// takeSnapshot writes the complete file, or leaves an existing one as it is.
func takeSnapshot(ctx context.Context, cfg *config.Config, file string) error {
	if isDir(file) {
		return fmt.Errorf("%s is a directory: name a file in it", file)
	}
	if dir := filepath.Dir(file); !isDir(dir) {
		return fmt.Errorf("there is no directory %s", dir)
	}
	if same(file, cfg.Store.Path) { // the bot would go on with a file that no longer has a name
		return fmt.Errorf("%s is the store itself (store.path): name another file", file)
	}
	f, err := renameio.NewPendingFile(file, renameio.WithPermissions(0o600))
	if err != nil {
		return err
	}
	defer f.Cleanup() //nolint:errcheck // only removes the temporary file
	whole, err := filepath.Abs(file)
	if err != nil {
		return err
	}
	body, err := newLocal(cfg.Admin.Socket).ask(ctx, http.MethodGet, "/snapshot?"+url.Values{"file": {whole}}.Encode(), nil)
	switch {
	case errors.Is(err, errNotRunning):
		err = offline(cfg, func(st store.Store) error { return snapshotNoted(ctx, st, whole, f) })
	case err == nil:
		_, err = io.Copy(f, body)
		err = errors.Join(err, body.Close())
	}
	if err != nil {
		return err
	}
	return f.CloseAtomicallyReplace()
}

// snapshotNoted has the audit log know of a snapshot, and takes it. One that
// cannot be noted, as of a damaged log, is taken all the same.
func snapshotNoted(ctx context.Context, st store.Store, file string, w io.Writer) error {
	if err := app.NoteIn(ctx, st, app.SnapshotEntry(app.LocalUser(), file)); err != nil {
		show(os.Stderr, "the snapshot is not in the audit log: "+err.Error())
	}
	return st.Snapshot(ctx, w)
}

// same reports whether both names exist and refer to the same file.
func same(a, b string) bool {
	one, err := os.Stat(a)
	other, err2 := os.Stat(b)
	return err == nil && err2 == nil && os.SameFile(one, other)
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// offline opens the store directly, for when no bot runs.
func offline(cfg *config.Config, fn func(store.Store) error) error {
	if _, err := os.Stat(cfg.Store.Path); errors.Is(err, os.ErrNotExist) {
		if err := store.Missing(cfg.Store.Path); err != nil {
			return fmt.Errorf("opening the store %s: %w", cfg.Store.Path, err)
		}
		return fmt.Errorf("there is no store at %s (store.path): `alsbot serve` makes it when it first starts. If there should be one, is this the right directory and the right --config?", cfg.Store.Path)
	} else if err != nil {
		return fmt.Errorf("looking for the store: %w", err)
	}
	st, err := app.OpenStore(cfg)
	if err != nil {
		return err
	}
	return errors.Join(fn(st), app.KeepHead(cfg, st), st.Close())
}
