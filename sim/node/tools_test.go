package node_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"alsbot/sim/node"
)

func TestSudo(t *testing.T) {
	c := start(t, node.Options{})
	client := dial(t, c, c.Core)
	for _, test := range []struct {
		line, want string
		status     int
	}{
		{"sudo -n true", "", 0},
		{"sudo -n sh -c 'echo $USER; exit 3'", "root\n", 3},
		{"sudo -n nonsense", "sudo: nonsense: command not found\n", 1},
	} {
		if out, status := exec(t, client, test.line, ""); out != test.want || status != test.status {
			t.Errorf("%s: status %d, printed %q", test.line, status, out)
		}
	}
	must(t, c.Update(func(s *node.State) { s.Nodes[c.Core].Sudo = false }))
	for line, says := range map[string]string{
		"sudo -n true": "sudo: sorry, a password is required to run sudo\n",
		"sudo true":    "sudo: no tty present and no askpass program specified\n",
	} {
		if out, status := exec(t, client, line, ""); out != says || status != 1 {
			t.Errorf("%s: status %d, printed %q", line, status, out)
		}
	}
}

func TestSSHBetweenNodes(t *testing.T) {
	c := start(t, node.Options{})
	client := dial(t, c, c.Core)
	const probe = "ssh -n -o BatchMode=yes -o ConnectTimeout=10 -- "
	for _, test := range []struct {
		line, want string
		status     int
	}{
		{probe + "10.0.0.12 true", "", 0},
		{probe + "10.0.0.12 'pwd; exit 4'", c.Home("10.0.0.12") + "\n", 4},
		{probe + "root@10.0.0.12 'echo $USER'", "root\n", 0},
		{probe + "10.9.9.9 true", "ssh: Could not resolve hostname 10.9.9.9: Name or service not known\n", 255},
	} {
		if out, status := exec(t, client, test.line, ""); out != test.want || status != test.status {
			t.Errorf("%s: status %d, printed %q", test.line, status, out)
		}
	}
	must(t, c.Fault("down@10.0.0.13", "yes"))
	if out, status := exec(t, client, probe+"10.0.0.13 true", ""); status != 255 || !strings.Contains(out, "Connection refused") {
		t.Errorf("to a node that is down: status %d, printed %q", status, out)
	}
	must(t, c.Update(func(s *node.State) { s.Nodes[c.Core].Trust = false }))
	if out, status := exec(t, client, probe+"10.0.0.12 true", ""); status != 255 || out != "Permission denied (publickey,password).\n" {
		t.Errorf("without a key: status %d, printed %q", status, out)
	}
}

// TestQuotas runs the handbook's quota procedure, and shows what fails if a
// step is left out.
func TestQuotas(t *testing.T) {
	c := start(t, node.Options{})
	must(t, c.Mount(c.Core, "/mnt/containers", &node.Mount{Device: "/dev/vdb1", Type: "ext4", Options: "rw,relatime"}))
	must(t, c.Mount(c.Core, "/mnt/nfs", &node.Mount{Device: "nas:/export", Type: "nfs", Options: "rw"}))
	client := dial(t, c, c.Core)
	point, nfs := c.Path(c.Core, "/mnt/containers"), c.Path(c.Core, "/mnt/nfs")
	const options = "remount,usrjquota=aquota.user,grpjquota=aquota.group,jqfmt=vfsv0 "
	for _, test := range []struct {
		line, says string
		status     int
	}{
		{"quotaon -p " + point, "user quota on " + point + " (/dev/vdb1) is off\n", 0},
		{"sudo quotaon -v " + point, "cannot find", 1},
		{"sudo quotacheck -vgumb " + point, "not mounted with quota option", 1},
		{"sudo mount -o " + options + nfs, "wrong fs type", 32},
		{"sudo mount -o " + options + "/mnt/missing", "not mounted already", 32},
		{"sudo mount -o " + options + point, "", 0},
		{"sudo mount -o " + options + point, "", 0},
		{"mount", "/dev/vdb1 on " + point + " type ext4 (rw,relatime,usrjquota=aquota.user,grpjquota=aquota.group,jqfmt=vfsv0)\n", 0},
		{"sudo quotacheck -vgumb " + point, "done\n", 0},
		{"sudo quotaon -v " + point, "user quotas turned on\n", 0},
		{"quotaon -p " + point, "user quota on " + point + " (/dev/vdb1) is on\n", 0},
		{"findmnt -n -o FSTYPE,TARGET -T " + point + "/below", "ext4 " + point + "\n", 0},
		{"findmnt -no SOURCE " + point, "/dev/vdb1\n", 0},
		{"findmnt " + point + "/below", "", 1},
	} {
		out, status := exec(t, client, test.line, "")
		if status != test.status || !strings.Contains(out, test.says) || (test.says == "" && out != "") {
			t.Errorf("%s: status %d, printed:\n%s", test.line, status, out)
		}
	}
	if _, err := os.Stat(filepath.Join(point, "aquota.user")); err != nil {
		t.Error(err)
	}
	if out, _ := kato(t, c, "relocate containers "+point); strings.Contains(out, "WARNING") {
		t.Errorf("kato does not see the quotas:\n%s", out)
	}
}

func TestFreeSpaceAndMemory(t *testing.T) {
	c := start(t, node.Options{})
	must(t, c.Update(func(s *node.State) { s.Nodes[c.Core].DiskFree, s.Nodes[c.Core].MemFree = 3<<30, 700<<20 }))
	must(t, c.Mount(c.Core, "/mnt/nas", &node.Mount{Device: "nas:/export", Type: "nfs", Options: "rw"}))
	client := dial(t, c, c.Core)
	out, status := exec(t, client, "df -P -k -- "+c.Path(c.Core, "/mnt/nas")+" | awk 'NR == 2 { print $1, $4, $6 }'", "")
	if out != "nas:/export 3145728 "+c.Path(c.Core, "/mnt/nas")+"\n" || status != 0 {
		t.Errorf("df: status %d, printed %q", status, out)
	}
	if out, status := exec(t, client, "df -P /no/such/place", ""); status != 1 || !strings.Contains(out, "No such file") {
		t.Errorf("df of nothing: status %d, printed %q", status, out)
	}
	if out, _ := exec(t, client, "free -m | awk '/^Mem:/ { print $4 }'", ""); out != "700\n" {
		t.Errorf("free printed %q", out)
	}
	must(t, c.Mount(c.Core, "/mnt/nas", nil))
	if out, _ := exec(t, client, "findmnt -n -o TARGET -T "+c.Path(c.Core, "/mnt/nas"), ""); out != "/\n" {
		t.Errorf("after unmounting findmnt printed %q", out)
	}
}
