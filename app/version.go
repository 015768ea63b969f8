package app

import (
	"errors"
	"os"
	"runtime/debug"

	"alsbot/bot"
	"alsbot/config"
)

// version is set by the Makefile's build. Without it, Version uses the build
// info.
var version string

// Version returns the commit that this binary was built from.
func Version() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value[:min(12, len(s.Value))]
		}
	}
	return "devel"
}

// Manifest returns the manifest of the Slack app for the config at path, or
// for the defaults if that file doesn't exist.
func Manifest(path string, environ []string) ([]byte, error) {
	command, mode := "/als", "socket"
	cfg, err := config.LoadWithoutSecrets(path, environ)
	switch {
	case err == nil:
		command, mode = cfg.Slack.Command, cfg.Slack.Mode
	case !errors.Is(err, os.ErrNotExist):
		return nil, err
	}
	return bot.Manifest(command, mode)
}
