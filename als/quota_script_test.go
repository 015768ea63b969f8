package als_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"alsbot/als"
)

// stand puts a command before the machine's own that notes its arguments and
// ends with a status.
func stand(t *testing.T, dir, name string, status string) {
	t.Helper()
	text := "#!/bin/sh\necho " + name + " \"$@\" >>" + dir + "/notes\nexit " + status + "\n"
	must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700))
}

func TestQuotaScript(t *testing.T) {
	boot := "#!/bin/bash\n# boot\nif [[ -f /x ]]; then\n  exit 1\nfi\necho done\nexit 0\n"
	for name, shell := range shells(t) {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for _, cmd := range []string{"mount", "quotacheck", "quotaon"} {
				stand(t, dir, cmd, "0")
			}
			must(t, os.WriteFile(filepath.Join(dir, "sudo"), []byte("#!/bin/sh\nshift\nexec \"$@\"\n"), 0o700))
			t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
			file, old := filepath.Join(dir, "setup_helion_lxc"), filepath.Join(dir, "setup_helion_lxc.before")
			must(t, errors.Join(os.WriteFile(file, []byte(boot), 0o755), os.Chmod(file, 0o755))) // whatever the umask
			step := quotaStep(t, dir, file, old)
			if r := run(t, shell, step); r.Exit != 0 || !strings.Contains(string(r.Output), "done=boot-script\n") {
				t.Fatalf("status %d:\n%s", r.Exit, r.Output)
			}
			once, err := os.ReadFile(file)
			must(t, err)
			if kept, err := os.ReadFile(old); err != nil || string(kept) != boot {
				t.Errorf("the previous version is not kept: %v", err)
			}
			if !strings.HasSuffix(string(once), "fi\nexit 0\n") || strings.Count(string(once), "quotaon -v "+dir) != 1 {
				t.Errorf("the block is not before the end:\n%s", once)
			}
			if out, err := exec.Command("bash", "-n", file).CombinedOutput(); err != nil {
				t.Errorf("no script any more: %s", out)
			}
			if r := run(t, shell, step); r.Exit != 0 || !strings.Contains(string(r.Output), "had-it") {
				t.Errorf("again: status %d:\n%s", r.Exit, r.Output)
			}
			if twice, err := os.ReadFile(file); err != nil || string(twice) != string(once) {
				t.Errorf("the second time changed it: %v", err)
			}
			// a block for another filesystem with a longer name, a comment, and half a block do not count
			other := quotaStep(t, dir+"/deeper", file, old)
			if r := run(t, shell, other); r.Exit != 0 || !strings.Contains(string(r.Output), "done=boot-script\n") {
				t.Errorf("another filesystem: status %d:\n%s", r.Exit, r.Output)
			}
			must(t, os.WriteFile(file, []byte("#!/bin/bash\n#  mount -o remount,usrjquota=x "+dir+"\nquotaon -v "+dir+"\n"), 0o755))
			if r := run(t, shell, step); !strings.Contains(string(r.Output), "done=boot-script\n") {
				t.Errorf("half a block: status %d:\n%s", r.Exit, r.Output)
			}
			// if quotas are on, only the boot script is changed: quotacheck would refuse
			must(t, os.WriteFile(file, []byte(boot), 0o755))
			must(t, os.WriteFile(filepath.Join(dir, "quotaon"), []byte("#!/bin/sh\necho \"group quota on $2 (/dev/x) is on\"\necho \"user quota on $2 (/dev/x) is on\"\n"), 0o700))
			must(t, os.Remove(filepath.Join(dir, "notes")))
			if r := run(t, shell, step); r.Exit != 0 || string(r.Output) != "done=had-been-on\ndone=boot-script\n" {
				t.Errorf("on already: status %d:\n%s", r.Exit, r.Output)
			}
			if _, err := os.Stat(filepath.Join(dir, "notes")); err == nil {
				t.Error("it mounted or counted what was on already")
			}
			if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o755 {
				t.Errorf("the boot script's mode: %v %v", info, err)
			}
			if left, _ := filepath.Glob(file + ".alsbot"); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
			stand(t, dir, "quotaon", "0")
			stand(t, dir, "quotacheck", "1")
			_ = os.Remove(filepath.Join(dir, "notes"))
			r := run(t, shell, step)
			notes, err := os.ReadFile(filepath.Join(dir, "notes"))
			must(t, err)
			if r.Exit == 0 || !strings.Contains(string(r.Output), "why=checking the quotas") || strings.Contains(string(notes), "quotaon -v") {
				t.Errorf("after a failed quotacheck: status %d\n%s%s", r.Exit, r.Output, notes)
			}
		})
	}
}

// quotaStep returns the step of `quota enable`, with paths of the test.
func quotaStep(t *testing.T, mount, boot, old string) als.Step {
	t.Helper()
	req, op := asked(t, "quota enable /mnt/containers --node 10.0.0.12")
	seen := "state=writable\nmount=/mnt/containers\ntype=ext4\noptions=rw\nquotas=off\nboot=/etc/init.d/setup_helion_lxc\n"
	plan, err := op.Plan(req, testCluster(), als.Results{{Key: "quota", Output: []byte(seen)}, {Key: "sudo", Node: "10.0.0.12"}})
	must(t, err)
	step := plan.Steps[0]
	step.Argv = append(append([]string{}, step.Argv[:len(step.Argv)-3]...), mount, boot, old)
	return step
}

func TestSSHScript(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "ssh"), []byte("#!/bin/sh\ncase \"$*\" in *10.0.0.13*) exit 255 ;; esac\n"), 0o700))
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	req, op := asked(t, "upgrade cluster")
	steps, err := op.Checks(req, testCluster())
	must(t, err)
	for name, shell := range shells(t) {
		for _, s := range steps {
			if s.Key != "ssh" {
				continue
			}
			if r := run(t, shell, s); string(r.Output) != "bad= 10.0.0.13\n" {
				t.Errorf("%s: %q", name, r.Output)
			}
		}
	}
}
