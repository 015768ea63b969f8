package config

import (
	"fmt"
	"net"
	"os"
	"strings"
)

// warn collects settings that are odd but may be intended.
func (c *Config) warn(path string, secrets bool) {
	c.warnTokens()
	c.warnFile(path, secrets)
	if len(c.Access.Viewer)+len(c.Access.Operator)+len(c.Access.Approver) == 0 && !c.clusterAccess() {
		c.warnf("access: nobody may do anything until viewer, operator and approver name somebody")
	}
	for i, cl := range c.Clusters {
		p := at("clusters", i)
		if cl.Channel == "" {
			c.warnf("%s.channel: is not set: reports of %s go to no channel", p, cl.Name)
		}
		if len(c.Approval.Effects) > 0 && len(cl.AccessOf(c.Access).Approver) == 0 {
			c.warnf("%s: nobody is an approver on %s: what needs approval cannot run", p, cl.Name)
		} else if len(c.Approval.Effects) > 0 && cl.Approvals == "" {
			c.warnf("%s.approvals: neither it nor channel is set: requests for approval have no place to go", p)
		}
	}
	if len(c.Approval.Effects) > 0 {
		c.warnUsers()
	}
	if host, _, _ := net.SplitHostPort(c.Admin.Listen); !loopback(host) {
		c.warnf("admin.listen: %s can be reached from other machines, without encryption or password", c.Admin.Listen)
	}
}

// warnUsers warns of users of the alsbot host of whom alsbot does not know who
// they are in Slack, or takes for somebody who may be another person.
func (c *Config) warnUsers() {
	if len(c.Admin.Users) == 0 {
		c.warnf("admin.users: is empty: on the command line, nobody can ask for what needs approval")
	}
	if id := c.Admin.Users["root"]; id != "" {
		c.warnf("admin.users.root: everyone who logs in as root, and every service of root's, counts as %s: map the users who log in", id)
	}
}

func (c *Config) warnf(format string, args ...any) {
	c.Warnings = append(c.Warnings, fmt.Sprintf(format, args...))
}

// warnTokens warns of tokens that were probably swapped.
func (c *Config) warnTokens() {
	tokens := []struct {
		key    string
		value  Secret
		prefix string
	}{{"slack.app_token", c.Slack.AppToken, "xapp-"}, {"slack.bot_token", c.Slack.BotToken, "xoxb-"}}
	for _, t := range tokens {
		if t.value != "" && !strings.HasPrefix(t.value.Reveal(), t.prefix) {
			c.warnf("%s: does not begin with %s: Slack will probably refuse it", t.key, t.prefix)
		}
	}
}

// warnFile warns of a config file that others can read or change.
func (c *Config) warnFile(path string, secrets bool) {
	info, err := os.Stat(path)
	if path == "" || err != nil || !info.Mode().IsRegular() {
		return
	}
	if info.Mode().Perm()&0o022 != 0 {
		c.warnf("%s: others may change it, and with it who may do what: chmod go-w %s", path, path)
	}
	if info.Mode().Perm()&0o004 != 0 && secrets {
		c.warnf("%s: everybody on this machine may read it, and there are secrets: chmod o-rwx %s", path, path)
	}
}

func (c *Config) clusterAccess() bool {
	for _, cl := range c.Clusters {
		if len(cl.Access.Viewer)+len(cl.Access.Operator)+len(cl.Access.Approver) > 0 {
			return true
		}
	}
	return false
}
