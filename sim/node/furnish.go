package node

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// furnish makes a node's directory: homes, kato, the commands that would
// need root, and the places that people export to.
func furnish(root, user string) error {
	for _, dir := range []string{"home/bin", "home/helion/logs", "root", "usr/bin", "mnt/nas", "tmp",
		"var/helion/services", "var/helion/droplets", "var/helion/containers"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			return err
		}
	}
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	kato := fmt.Sprintf("#!/bin/sh\n%s=%s exec %s \"$@\"\n", katoEnv, quote(root), quote(exe))
	path := `PATH=` + quote(filepath.Join(root, "usr/bin")) + `:"$PATH"` + "\nexport PATH\n"
	homePath := `PATH="$HOME/bin":` + quote(filepath.Join(root, "usr/bin")) + `:"$PATH"` + "\nexport PATH\n"
	for _, f := range []struct {
		name, text string
		mode       os.FileMode
	}{
		{"home/bin/kato", kato, 0o755},
		{"home/.profile", homePath, 0o644},
		{"root/.profile", path, 0o644},
		{"usr/bin/su", strings.NewReplacer("@USER@", user, "@ROOT@", quote(root)).Replace(standInSu), 0o755},
	} {
		if err := os.WriteFile(filepath.Join(root, f.name), []byte(f.text), f.mode); err != nil {
			return err
		}
	}
	return nil
}

// quote makes one word of a shell out of a path.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// hideKato takes kato away, or brings it back.
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

// standInSu gives root the system user's login environment. Nobody becomes
// anybody else: the simulated nodes run as one real user.
const standInSu = `#!/bin/sh
user=root command= given=
while [ $# -gt 0 ]; do
	case $1 in
	-|-l|--login|--) ;;
	-c|--command) command=$2 given=1; shift ;;
	--command=*) command=${1#--command=} given=1 ;;
	-*) echo "su: invalid option -- '${1#-}'" >&2; exit 1 ;;
	/*) ;;
	*) user=$1 ;;
	esac
	shift
done
root=@ROOT@
case $user in
@USER@) home=$root/home ;;
root) home=$root/root ;;
*) echo "Unknown id: $user" >&2; exit 1 ;;
esac
if [ "$USER" != root ]; then
	echo 'su: must be run from a terminal' >&2
	exit 1
fi
cd "$home" || exit 1
set -- HOME="$home" USER="$user" LOGNAME="$user" SHELL=/bin/sh PATH=/usr/bin:/bin /bin/sh -l
if [ -n "$given" ]; then
	exec env -i "$@" -c "$command"
fi
exec env -i "$@"
`
