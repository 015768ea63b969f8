package node

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Mount mounts a filesystem on a node at a path of the node, such as
// /mnt/containers, and creates the directory. A nil mount unmounts it.
func (c *Cluster) Mount(ip, path string, m *Mount) error {
	point := c.Path(ip, path)
	if m != nil {
		if err := os.MkdirAll(point, 0o755); err != nil {
			return fmt.Errorf("mounting %s on %s: %w", path, ip, err)
		}
	}
	return c.disk.update(func(s *State) {
		if m == nil {
			delete(s.Nodes[ip].Mounts, point)
			return
		}
		s.Nodes[ip].Mounts[point] = m
	})
}

// on returns the mount that holds a path; "/" means the node's own disk.
func (m *Machine) on(path string) (string, *Mount) {
	at, found := "/", &Mount{Device: "/dev/vda1", Type: "ext4", Options: "rw,relatime,errors=remount-ro"}
	for point, mount := range m.Mounts {
		if (path == point || strings.HasPrefix(path, point+"/")) && len(point) > len(at) {
			at, found = point, mount
		}
	}
	return at, found
}

// points returns the sorted mount points.
func (m *Machine) points() []string {
	points := []string{"/"}
	for point := range m.Mounts {
		points = append(points, point)
	}
	slices.Sort(points)
	return points
}

const procMounts = "/proc/mounts"

// writeMounts writes the node's /proc/mounts. A reader sees the old or the new
// one whole.
func (t *tool) writeMounts() error {
	var b strings.Builder
	escape := strings.NewReplacer("\\", `\134`, " ", `\040`, "\t", `\011`, "\n", `\012`)
	for _, point := range t.machine().points() {
		at, m := t.machine().on(point)
		fmt.Fprintf(&b, "%s %s %s %s 0 0\n", escape.Replace(m.Device), escape.Replace(at), m.Type, m.Options)
	}
	file := filepath.Join(t.root, procMounts)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	temp := fmt.Sprintf("%s.%d", file, os.Getpid())
	if err := os.WriteFile(temp, []byte(b.String()), 0o600); err != nil {
		return err
	}
	return os.Rename(temp, file)
}

// words splits the arguments into options, values of -o and the rest.
func (t *tool) words() (flags string, values, rest []string) {
	for i := 0; i < len(t.args); i++ {
		arg := t.args[i]
		switch {
		case (arg == "-o" || arg == "-t" || arg == "-T" || arg == "--target") && i+1 < len(t.args):
			i++
			if arg == "-o" {
				values = append(values, strings.Split(t.args[i], ",")...)
			} else if arg != "-t" {
				rest = append(rest, t.args[i])
			}
		case len(arg) > 2 && arg[1] != '-' && arg[0] == '-' && strings.HasSuffix(arg, "o") && i+1 < len(t.args): // findmnt -no
			i++
			flags += arg[1:]
			values = append(values, strings.Split(t.args[i], ",")...)
		case strings.HasPrefix(arg, "-"):
			flags += strings.TrimLeft(arg, "-")
		default:
			rest = append(rest, arg)
		}
	}
	return flags, values, rest
}

// mount lists mounts, or remounts one with more options.
func (t *tool) mount() int {
	_, options, rest := t.words()
	if len(options) == 0 && len(rest) == 0 {
		for _, point := range t.machine().points() {
			at, m := t.machine().on(point)
			fmt.Printf("%s on %s type %s (%s)\n", m.Device, at, m.Type, m.Options)
		}
		return 0
	}
	if !t.mayMount() {
		return t.fail(1, "mount: only root can do that")
	}
	if len(rest) != 1 || t.machine().Mounts[rest[0]] == nil {
		return t.fail(32, "mount: %s not mounted already, or bad option", strings.Join(rest, " "))
	}
	if !slices.Contains(options, "remount") {
		return t.fail(32, "mount: %s already mounted or busy", rest[0])
	}
	if m := t.machine().Mounts[rest[0]]; !strings.HasPrefix(m.Type, "ext") && slices.ContainsFunc(options, func(o string) bool { return strings.Contains(o, "jquota") }) {
		return t.fail(32, "mount: wrong fs type, bad option, bad superblock on %s", m.Device)
	}
	return t.change(rest[0], func(m *Mount) {
		for _, o := range options {
			if o != "remount" && !slices.Contains(strings.Split(m.Options, ","), o) {
				m.Options += "," + o
			}
		}
	})
}

func (t *tool) change(point string, change func(*Mount)) int {
	err := t.disk.update(func(s *State) {
		if m := s.Nodes[t.node].Mounts[point]; m != nil {
			change(m)
		}
	})
	if err != nil {
		return t.fail(1, "%s: %s", t.name, err)
	}
	return 0
}

// quotacheck counts. It needs the mount options first.
func (t *tool) quotacheck() int {
	_, _, rest := t.words()
	if !t.mayMount() {
		return t.fail(1, "quotacheck: Operation not permitted")
	}
	if len(rest) != 1 || t.machine().Mounts[rest[0]] == nil {
		return t.fail(1, "quotacheck: Mountpoint (or device) %s not found or has no quota enabled.", strings.Join(rest, " "))
	}
	if !strings.Contains(t.machine().Mounts[rest[0]].Options, "usrjquota=") {
		return t.fail(1, "quotacheck: Cannot find filesystem to check or filesystem not mounted with quota option.")
	}
	if t.machine().Mounts[rest[0]].Quota {
		return t.fail(1, "quotacheck: Quota for users is enabled on mountpoint %s so quotacheck might damage the file.\nPlease turn quotas off or use -f to force checking.", rest[0])
	}
	for _, file := range []string{"aquota.user", "aquota.group"} {
		if err := os.WriteFile(filepath.Join(rest[0], file), nil, 0o600); err != nil {
			return t.fail(1, "quotacheck: %s", err)
		}
	}
	fmt.Printf("quotacheck: Scanning %s [%s] done\n", t.machine().Mounts[rest[0]].Device, rest[0])
	return t.change(rest[0], func(m *Mount) { m.Checked = true })
}

// quotaon turns quotas on, or with -p prints whether they are on.
func (t *tool) quotaon() int {
	flags, _, rest := t.words()
	if len(rest) != 1 || t.machine().Mounts[rest[0]] == nil {
		return t.fail(1, "quotaon: Mountpoint (or device) %s not found or has no quota enabled.", strings.Join(rest, " "))
	}
	m := t.machine().Mounts[rest[0]]
	if strings.Contains(flags, "p") {
		state := "off"
		if m.Quota {
			state = "on"
		}
		for _, kind := range []string{"group", "user"} {
			fmt.Printf("%s quota on %s (%s) is %s\n", kind, rest[0], m.Device, state)
		}
		return 0
	}
	switch {
	case !t.mayMount():
		return t.fail(1, "quotaon: Operation not permitted")
	case !m.Checked:
		return t.fail(1, "quotaon: cannot find %s/aquota.user on %s [%s]", rest[0], m.Device, rest[0])
	}
	for _, kind := range []string{"group", "user"} {
		fmt.Printf("%s [%s]: %s quotas turned on\n", m.Device, rest[0], kind)
	}
	return t.change(rest[0], func(m *Mount) { m.Quota = true })
}

// findmnt prints target, source, type and options of the mount that holds a
// path, or the columns that -o names.
func (t *tool) findmnt() int {
	flags, columns, rest := t.words()
	if len(columns) == 0 {
		columns = []string{"TARGET", "SOURCE", "FSTYPE", "OPTIONS"}
	}
	points := t.machine().points()
	if len(rest) > 0 {
		at, _ := t.machine().on(filepath.Clean(rest[0]))
		if at != rest[0] && !slices.Contains(t.args, "-T") && !slices.Contains(t.args, "--target") {
			return 1
		}
		points = []string{at}
	}
	if !strings.Contains(flags, "n") {
		fmt.Println(strings.Join(columns, " "))
	}
	for _, point := range points {
		at, m := t.machine().on(point)
		cells := map[string]string{"TARGET": at, "SOURCE": m.Device, "FSTYPE": m.Type, "OPTIONS": m.Options}
		var row []string
		for _, column := range columns {
			row = append(row, cells[strings.ToUpper(column)])
		}
		fmt.Println(strings.Join(row, " "))
	}
	return 0
}

// df prints the free space in the cluster's state, in 1024-byte blocks.
func (t *tool) df() int {
	_, _, rest := t.words()
	if len(rest) == 0 {
		rest = t.machine().points()
	}
	const total = int64(40 << 30)
	free := t.machine().DiskFree
	fmt.Println("Filesystem     1024-blocks      Used Available Capacity Mounted on")
	status := 0
	for _, path := range rest {
		abs, err := filepath.Abs(path)
		if _, statErr := os.Stat(abs); err != nil || statErr != nil {
			status = t.fail(1, "df: `%s': No such file or directory", path)
			continue
		}
		at, m := t.machine().on(abs)
		size := max(total, free)
		fmt.Printf("%-14s %11d %9d %9d %7d%% %s\n", m.Device, size>>10, (size-free)>>10, free>>10, (size-free)*100/size, at)
	}
	return status
}

// Reboot puts a node's filesystems back to how they are mounted without
// further ado, and then runs its boot script, as root.
func (c *Cluster) Reboot(ctx context.Context, ip string) error {
	err := c.disk.update(func(s *State) {
		for _, m := range s.Nodes[ip].Mounts {
			m.Options, m.Quota = "rw", false
		}
	})
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "bash", filepath.Join(c.disk.path(ip), bootScript(c.User)))
	cmd.Env = userEnv(c.disk.path(ip), "root")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("the boot script of %s: %w: %s", ip, err, out)
	}
	return nil
}
