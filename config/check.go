package config

import (
	"maps"
	"net"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	nameForm    = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)
	commandForm = regexp.MustCompile(`^/[a-z0-9_-]{1,31}$`)
	memberForm  = regexp.MustCompile(`^[UWS][A-Z0-9]{2,}$`)
	userForm    = regexp.MustCompile(`^[UW][A-Z0-9]{2,}$`)
	accountForm = regexp.MustCompile(`^([A-Za-z0-9_][A-Za-z0-9_.@-]*\$?|uid [0-9]+)$`)
	channelForm = regexp.MustCompile(`^[CGD][A-Z0-9]{2,}$`)
	loginForm   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9._-]{0,31}$`)
	hostForm    = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$`)
	pathForm    = regexp.MustCompile(`^[A-Za-z0-9_./+@=-]+$`)
)

// socketMost is how many bytes Linux takes as the path of a socket.
const socketMost = 107

// check reports every value that isn't allowed.
func (r *report) check(c *Config) {
	r.checkSlack(c.Slack)
	if c.Slack.Mode == "http" {
		r.listen("http.listen", c.HTTP.Listen)
	}
	r.listen("admin.listen", c.Admin.Listen)
	r.required("admin.socket", c.Admin.Socket)
	if n := len(c.Admin.Socket); n > socketMost {
		r.add("admin.socket", "has %d bytes, and the path of a socket has at most %d: give a shorter one, such as /run/alsbot/alsbot.sock", n, socketMost)
	}
	r.checkStore(c.Store)
	r.users("admin.users", c.Admin.Users)
	r.members("access", c.Access)
	r.checkApproval(c)
	if len(c.Clusters) == 0 {
		r.add("clusters", "there is none: alsbot needs at least one cluster")
	}
	names := make([]string, 0, len(c.Clusters))
	for i, cl := range c.Clusters {
		p := at("clusters", i)
		r.name(p, cl.Name, names)
		names = append(names, cl.Name)
		r.checkCluster(p, cl)
	}
	r.checkNewRelic("monitoring.newrelic", c.Monitoring.NewRelic)
	schedules := make([]string, 0, len(c.Schedules))
	for i, s := range c.Schedules {
		p := at("schedules", i)
		r.name(p, s.Name, schedules)
		schedules = append(schedules, s.Name)
		r.checkSchedule(p, s, names)
	}
}

func (r *report) checkSlack(s Slack) {
	r.oneOf("slack.mode", s.Mode, "socket", "http")
	r.secret("slack.bot_token", s.BotToken, "")
	switch s.Mode {
	case "socket":
		r.secret("slack.app_token", s.AppToken, " in socket mode")
	case "http":
		r.secret("slack.signing_secret", s.SigningSecret, " in http mode")
	}
	if !commandForm.MatchString(s.Command) {
		r.add("slack.command", "%s is no slash command: a slash and up to 31 small letters, digits, - or _, such as /als", shown(s.Command))
	}
	u, err := url.Parse(s.APIURL)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		r.add("slack.api_url", "%s is no address: write it like https://slack.com/api/", shown(s.APIURL))
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		r.add("slack.api_url", "%s should begin with https:// (http:// only to this machine)", shown(s.APIURL))
	case !strings.HasSuffix(u.Path, "/"):
		r.add("slack.api_url", "%s should end in /", shown(s.APIURL))
	}
}

// loopback reports whether host is the alsbot host itself.
func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

func (r *report) checkStore(s Store) {
	r.oneOf("store.engine", s.Engine, "bolt", "etcd")
	switch s.Engine {
	case "bolt":
		r.required("store.path", s.Path)
	case "etcd":
		if len(s.Etcd.Endpoints) == 0 {
			r.add("store.etcd.endpoints", "is required with engine etcd, such as [https://10.0.0.2:2379]")
		}
		r.required("store.etcd.prefix", s.Etcd.Prefix)
	}
	for i, e := range s.Etcd.Endpoints {
		if u, err := url.Parse(e); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			r.add(at("store.etcd.endpoints", i), "%s is no address: write it like https://10.0.0.2:2379", shown(e))
		}
	}
	if (s.Etcd.CertFile == "") != (s.Etcd.KeyFile == "") {
		r.add("store.etcd", "cert_file and key_file go together: set both or none")
	}
	if s.KeepRuns <= 0 {
		r.add("store.keep_runs", "should be longer than nothing, such as 90d")
	}
}

func (r *report) users(p string, users map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(users)) {
		if !accountForm.MatchString(name) {
			r.add(join(p, name), "%s is no user of this host", shown(name))
		}
		if id := users[name]; !userForm.MatchString(id) {
			r.add(join(p, name), "%s is no Slack user ID (U… or W…)", shown(id))
		}
	}
}

func (r *report) members(p string, a Access) {
	lists := []struct {
		key string
		ids []string
	}{{"viewer", a.Viewer}, {"operator", a.Operator}, {"approver", a.Approver}}
	for _, l := range lists {
		for i, id := range l.ids {
			if id != "*" && !memberForm.MatchString(id) {
				r.add(at(join(p, l.key), i), `%s is neither a Slack user ID (U… or W…), nor a user group's (S…), nor "*" for everyone`, shown(id))
			}
		}
	}
}

func (r *report) checkApproval(c *Config) {
	a := c.Approval
	for i, e := range a.Effects {
		r.oneOf(at("approval.effects", i), e, "read", "change", "restart", "destroy")
	}
	if a.ExpiresAfter <= 0 {
		r.add("approval.expires_after", "should be longer than nothing, such as 1h")
	}
	if a.Quorum < 1 {
		r.add("approval.quorum", "%d is no quorum: at least 1", a.Quorum)
		return
	}
	if n, known := people(c.Access.Approver); known && a.Quorum > n {
		r.add("approval.quorum", "%d can never be reached: access.approver has %d people", a.Quorum, n)
	}
	for i, cl := range c.Clusters {
		if n, known := people(cl.Access.Approver); known && a.Quorum > n {
			r.add(at("clusters", i)+".access.approver", "has %d people: the quorum of %d can never be reached", n, a.Quorum)
		}
	}
}

// people counts the people in a list. known is false for a list with a group,
// which may have any number of members, and for an empty list, which means no
// one on purpose.
func people(ids []string) (n int, known bool) {
	for _, id := range ids {
		if !userForm.MatchString(id) {
			return 0, false
		}
	}
	distinct := slices.Compact(slices.Sorted(slices.Values(ids)))
	return len(distinct), len(distinct) > 0
}

func (r *report) checkSchedule(p string, s Schedule, clusters []string) {
	if s.Cluster == "" {
		r.add(p+".cluster", "is required")
	} else if len(clusters) > 0 && !slices.Contains(clusters, s.Cluster) { // with no clusters at all, that problem is already reported
		r.add(p+".cluster", "%s is not configured%s; there are: %s", shown(s.Cluster), suggest(s.Cluster, clusters), strings.Join(clusters, ", "))
	}
	if strings.TrimSpace(s.Command) == "" {
		r.add(p+".command", `is required, such as "export cluster"`)
	}
	if _, err := parseZone(s.Timezone); err != nil {
		r.add(p+".timezone", "%v", err)
	}
	r.cron(p+".cron", s.Cron)
}

func (r *report) cron(p, line string) {
	fields := len(strings.Fields(line))
	if strings.Contains(line, "=") {
		r.add(p, "%s should hold no time zone: that has a key of its own, timezone", shown(line))
		return
	}
	if fields != 5 && fields != 6 {
		r.add(p, `%s should have five fields, or six with seconds in front, such as "0 3 * * *" for three in the morning`, shown(line))
		return
	}
	s, err := ParseCron(line)
	if err != nil {
		r.add(p, "%s is no cron line: %v", shown(line), err)
		return
	}
	if s.Next(anyDay).IsZero() {
		r.add(p, "%s never comes", shown(line))
	}
}

// The checks below are shared by several keys.

func (r *report) name(p, name string, before []string) {
	switch {
	case !nameForm.MatchString(name):
		r.add(p+".name", "%s is no name: up to 64 small letters, digits, dots, - and _, with a letter or digit in front", shown(name))
	case slices.Contains(before, name):
		r.add(p+".name", "%s is there twice", shown(name))
	}
}

func (r *report) required(p, value string) bool {
	if value == "" {
		r.add(p, "is required")
	}
	return value != ""
}

func (r *report) secret(p string, value Secret, when string) {
	if value == "" {
		r.add(p, "is required%s; better than in the file it stands in %s", when, strings.ToUpper(envName(p)))
	}
}

func (r *report) oneOf(p, value string, words ...string) {
	if !slices.Contains(words, value) {
		r.add(p, "%s should be one of %s%s", shown(value), strings.Join(words, ", "), suggest(value, words))
	}
}

// listen checks an address to listen on. Without a host it means all
// addresses.
func (r *report) listen(p, addr string) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || !isPort(port, 0) || host != "" && !isHost(host) {
		r.add(p, "%s is no address to listen on: write it like 127.0.0.1:8080", shown(addr))
	}
}

// hostPort checks an address to dial.
func (r *report) hostPort(p, addr string) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || !isPort(port, 1) || !isHost(host) {
		r.add(p, "%s should be a host and a port, such as 10.0.0.10:22", shown(addr))
	}
}

func isHost(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil || hostForm.MatchString(host)
}

func isPort(port string, least uint64) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n >= least
}

// isClean reports whether p is an absolute path without . and .. parts or
// doubled slashes.
func isClean(p string) bool {
	return strings.HasPrefix(p, "/") && path.Clean(p) == p && pathForm.MatchString(p)
}
