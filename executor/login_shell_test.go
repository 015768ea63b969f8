package executor_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"alsbot/executor"
)

// setShell changes the login shell of a user of the server.
func (s *sshd) setShell(t testing.TB, user, shell string) {
	t.Helper()
	lines := strings.Split(read(t, filepath.Join(s.dir, "passwd")), "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, user+":") {
			lines[i] = l[:strings.LastIndex(l, ":")+1] + shell
		}
	}
	f, err := os.OpenFile(filepath.Join(s.dir, "passwd"), os.O_WRONLY|os.O_TRUNC, 0) // the same inode: it is mounted
	must(t, err)
	_, err = f.WriteString(strings.Join(lines, "\n"))
	must(t, err)
	must(t, f.Close())
}

// The login user's shell reads the line of each call, and su's that of the user
// after it. Where it is no Bourne shell, the call works all the same; it never
// says that a command did not begin which has run, and leaves no file.
func TestLoginShellNoBourne(t *testing.T) {
	t.Parallel()
	needRoot(t)
	for _, shell := range []string{"tcsh", "fish"} {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			need(t, shell)
			s := startSSHD(t, "", "ecdsa", "ecdsa")
			s.setShell(t, "root", "/usr/bin/"+shell)
			s.setShell(t, "noisy", "/usr/bin/"+shell)
			x := newExecutor(t)
			for _, as := range []string{"", "helion", "noisy"} {
				node := s.target()
				node.RunAs = as
				mark := filepath.Join(t.TempDir(), "ran")
				must(t, os.WriteFile(mark, nil, 0o666))
				must(t, os.Chmod(mark, 0o666))
				must(t, os.Chmod(filepath.Dir(mark), 0o755))
				var out bytes.Buffer
				const odd = `it's \ \\ "$HOME" !! !x äöü %d %b \0047`
				status, err := x.Exec(testContext(t), node, []string{"/bin/sh", "-c", `echo x >>` + mark + `; printf '%s' "$1"; exit 5`, "sh", odd + "\n\t~*?"}, &out)
				if ran := read(t, mark) != ""; err != nil && ran {
					t.Errorf("as %q: it ran, and this is said: %v", as, err)
				} else if err != nil || status != 5 || out.String() != odd+"\n\t~*?" {
					t.Errorf("as %q: %d %v %q", as, status, err, &out)
				}
				l := newSink()
				if exit, err := x.Run(testContext(t), node, executor.Command{ID: "as-" + as + "-1", Argv: sh("read -r a; exit $a"), Input: "6"}, l); err != nil || exit.Status != 6 {
					t.Errorf("as %q: run: %+v %v", as, exit, err)
				}
			}
			left, _ := exec.Command("find", filepath.Join(s.dir, "root"), "-maxdepth", "1", "-type", "f", "-newer", filepath.Join(s.dir, "sshd_config"),
				"!", "-name", ".bash_profile").Output()
			if len(left) > 0 {
				t.Errorf("left in the home: %s", left)
			}
		})
	}
}

// A shell that alsbot doesn't know is refused in words before anything is carried
// out.
func TestLoginShellUnknown(t *testing.T) {
	t.Parallel()
	needRoot(t)
	s := startSSHD(t, "", "ecdsa", "ecdsa")
	s.setShell(t, "helion", "/usr/bin/python3")
	node := s.target()
	node.RunAs = "helion"
	var out bytes.Buffer
	_, err := newExecutor(t).Exec(testContext(t), node, sh("echo hi"), &out)
	if err == nil || !strings.Contains(err.Error(), "the login shell of helion is /usr/bin/python3") || out.Len() > 0 {
		t.Errorf("%v %q", err, &out)
	}
	l := newSink()
	exit, err := newExecutor(t).Run(testContext(t), node, executor.Command{ID: "unknown-1", Argv: sh("echo hi")}, l)
	if err != nil || exit.Status != 126 {
		t.Errorf("run: %+v %v", exit, err)
	}
}
