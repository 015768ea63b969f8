package node

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// furnish creates a node's directory: homes, kato, stand-ins for system
// commands, and the places for exports.
func furnish(root, user string) error {
	for _, dir := range []string{"home/bin", "home/helion/logs", "root", "usr/bin", "mnt/nas", "tmp",
		"etc/init.d", "etc/apt/sources.list.d",
		"var/helion/services", "var/helion/droplets", "var/helion/containers"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			return err
		}
	}
	path := quote(filepath.Join(root, "usr/bin")) + `:"$PATH"` + "\nexport PATH\n"
	files := map[string]string{
		"home/.profile": `PATH="$HOME/bin":` + path,
		"root/.profile": "PATH=" + path,
	}
	for _, name := range append(slices.Collect(maps.Keys(tools())), "kato") {
		text, err := stand(name, root)
		if err != nil {
			return err
		}
		files["usr/bin/"+name] = text
	}
	files["home/bin/kato"] = files["usr/bin/kato"]
	delete(files, "usr/bin/kato")
	// Only a script that names one of the node's own directories needs more
	// than a shell.
	files["usr/bin/sh"] = "#!/bin/sh\ncase $* in */etc/* | */proc/mounts* | */var/helion/* | */var/stackato/*) ;; *) exec /bin/sh \"$@\" ;; esac\n" + strings.TrimPrefix(files["usr/bin/sh"], "#!/bin/sh\n")
	boot := bootScript(user)
	if _, err := os.Stat(filepath.Join(root, boot)); os.IsNotExist(err) {
		files[boot] = "#!/bin/bash\n# sets up containers\necho setting up\nexit 0\n"
	}
	for name, text := range files {
		mode := os.FileMode(0o755)
		if filepath.Base(name) == ".profile" {
			mode = 0o644
		}
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), mode); err != nil {
			return err
		}
	}
	return nil
}

// bootScript returns the script that turns a node's quotas on after a reboot.
// Stackato's has another name.
func bootScript(user string) string {
	if user == "stackato" {
		return "etc/init.d/setup_stackato_lxc"
	}
	return "etc/init.d/setup_helion_lxc"
}

// stand returns the wrapper script of a command that this program simulates.
func stand(name, root string) (string, error) {
	exe, err := os.Executable()
	if err != nil {
		return "", err
	}
	// With the race detector, a test binary would sleep one second at its
	// exit.
	return fmt.Sprintf("#!/bin/sh\nGORACE=atexit_sleep_ms=0 %s=%s %s=%s exec %s \"$@\"\n", toolEnv, name, rootEnv, quote(root), quote(exe)), nil
}

// quote returns a path as one shell word.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// hideKato removes kato, or restores it.
func hideKato(root string, hide bool) error {
	kato := filepath.Join(root, "home/bin/kato")
	hidden := filepath.Join(root, "home/helion/kato.gone")
	from, to := hidden, kato
	if hide {
		from, to = kato, hidden
	}
	if _, err := os.Stat(from); os.IsNotExist(err) {
		return nil
	}
	return os.Rename(from, to)
}
