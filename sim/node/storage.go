package node

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func storageCommands() []command {
	var list []command
	for _, what := range []string{"containers", "droplets", "services"} {
		list = append(list, command{words: "relocate " + what, options: "-v --verbose", args: "<new_location>", min: 1, max: 1, job: "relocate", admin: true,
			run: func(k *kato) int { return k.relocate(what) }})
	}
	return list
}

// relocate stops the node's roles, moves the data and leaves a symbolic link.
// It doesn't start the roles again.
func (k *kato) relocate(what string) int {
	to := k.arg(0)
	dir, wrong := k.place(to)
	switch info, err := os.Stat(dir); {
	case wrong != "" && !strings.HasPrefix(wrong, "Is a directory"):
		return k.fail("%s", wrong)
	case err != nil:
		return k.fail("No such file or directory - %s", to)
	case !info.IsDir():
		return k.fail("Not a directory - %s", to)
	}
	k.stopRoles(k.node, inStartOrder(k.s.Nodes[k.node].Roles))
	k.out.heading("Moving %s to %s", what, to)
	if !k.quotaOn(to) {
		k.out.line("WARNING: %s is not mounted with quota support (usrjquota, grpjquota)", to)
	}
	from := nodePath(k.root, k.s.User, "/var/helion/"+what)
	moved := k.out.task(k.s.Pace, "moving /var/helion/"+what+"...", func() bool { return k.dry || !k.faults.is("relocate") && moveDir(from, dir) == nil })
	if !moved {
		return k.fail("Device or resource busy - %s", from)
	}
	k.update(func(s *State) { s.Nodes[k.node].Locations[what] = to })
	return 0
}

// quotaOn reports whether the path is on a mount with quotas.
func (k *kato) quotaOn(path string) bool {
	mounts := k.s.Nodes[k.node].Mounts
	for point, m := range mounts {
		if (path == point || strings.HasPrefix(path, point+"/")) && m.Quota {
			return true
		}
	}
	return false
}

// moveDir moves a directory's content and replaces the directory with a link.
func moveDir(from, to string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return fmt.Errorf("moving %s: %w", from, err)
	}
	for _, e := range entries {
		if err := os.Rename(filepath.Join(from, e.Name()), filepath.Join(to, e.Name())); err != nil {
			return fmt.Errorf("moving %s: %w", from, err)
		}
	}
	if err := os.RemoveAll(from); err != nil {
		return fmt.Errorf("moving %s: %w", from, err)
	}
	return os.Symlink(to, from)
}
