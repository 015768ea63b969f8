package als

import (
	"net/netip"
	"path"
	"strings"
	"unicode"
)

// Patterns of values. Go's ^ and $ match the whole text only.
var (
	namePattern    = mustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	rolePattern    = mustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)
	pathPattern    = mustCompile(`^/[A-Za-z0-9/._+@%=:,-]*$`)
	versionPattern = mustCompile(`^[0-9]{1,6}(\.[0-9]{1,6}){0,3}$`)
	secondsPattern = mustCompile(`^[1-9][0-9]{0,5}$`)
	hostPattern    = mustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,62}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,62}[A-Za-z0-9])?)*$`)
)

// maxLength returns how many bytes a value of a kind may have.
func maxLength(k Kind) int {
	switch k {
	case KindPath, KindArchive, KindSource:
		return 255
	case KindWords:
		return MaxText
	default:
		return 64
	}
}

// describeKind says in words what a kind of value looks like.
func describeKind(k Kind) Advice {
	switch k {
	case KindRole:
		return Advise("a role such as dea or mysql")
	case KindIP:
		return Advise("a node's IP address as kato names it, such as 10.0.0.12; %s lists them", Typed("nodes"))
	case KindPath:
		return Advise("an absolute path such as /mnt/nas/data")
	case KindArchive:
		return Advise("an absolute path that ends in .tgz, such as /mnt/nas/helion-backup.tgz")
	case KindSource:
		return Advise("an archive on the node such as /mnt/nas/helion-backup.tgz, or the host name of the old core")
	case KindVersion:
		return Advise("a version such as 1.3 or 3.4.2")
	case KindSeconds:
		return Advise("a number of seconds such as 600")
	default:
		return Advise("letters, digits, dots, underscores and hyphens, beginning with a letter or a digit")
	}
}

// checkValue accepts a value, or refuses it with words for the mistake. name
// is what the usage calls the value.
func checkValue(name string, k Kind, v string) error {
	if err := checkText(name, k, v); err != nil || k == KindWords {
		return err
	}
	next := Advise("Type %s.", describeKind(k))
	if v[0] == '-' {
		return refuse(next, "%s may not begin with a dash: %q", name, v)
	}
	if i := strings.IndexAny(v, "`$;&|<>(){}[]*?!#~\\\"' \t^"); i >= 0 {
		return refuse(next, "%s contains %q, which has no place in it: %q", name, v[i:i+1], v)
	}
	switch k {
	case KindRole:
		return checkPattern(rolePattern, next, name, "is not a role's name", v)
	case KindVersion:
		return checkPattern(versionPattern, next, name, "is not a version", v)
	case KindSeconds:
		return checkPattern(secondsPattern, next, name, "is not a number of seconds", v)
	case KindIP:
		if a, err := netip.ParseAddr(v); err != nil || a.Zone() != "" || a.String() != v {
			return refuse(next, "%s is not an IP address: %q", name, v)
		}
		return nil
	case KindPath, KindArchive, KindSource:
		return checkTypedPath(name, k, v, next)
	default:
		return checkPattern(namePattern, Advise("Use %s.", describeKind(k)), name, "is not a name", v)
	}
}

// checkTypedPath accepts a path that a person types, or a host where a source can
// be one. Approvers have to read it, and what follows a word such as token and
// one of these characters is masked.
func checkTypedPath(name string, k Kind, v string, next Advice) error {
	if i := strings.IndexAny(v, "=:"); i >= 0 {
		return refuse(next, "%s contains %q, which a path here may not have: what follows it could be masked as a secret: %q", name, v[i:i+1], v)
	}
	switch {
	case k == KindPath:
		return checkPath(name, k, v)
	case k == KindArchive, strings.Contains(v, "/"), strings.HasSuffix(v, ".tgz"):
		return checkArchive(name, k, v)
	}
	return checkPattern(hostPattern, next, name, "is neither a path nor a host name", v)
}

// checkText refuses a value that is not short, visible ASCII.
func checkText(name string, k Kind, v string) error {
	switch {
	case v == "":
		return refuse(Advise("Type %s.", describeKind(k)), "%s is empty", name)
	case len(v) > maxLength(k):
		return refuse(Advise("Type a shorter one."), "%s has %d characters; %d are allowed", name, len(v), maxLength(k))
	}
	if err := checkMention(v); err != nil {
		return err
	}
	for _, r := range v {
		if r > unicode.MaxASCII || invisible(r) {
			return refuse(Advise("Names are plain ASCII: type it again by hand."), "%s contains %s", name, describeRune(r))
		}
	}
	return nil
}

// checkPattern refuses a value that does not match; complaint says what the
// value is not.
func checkPattern(pattern *pattern, next Advice, name, complaint, v string) error {
	if pattern.MatchString(v) {
		return nil
	}
	return refuse(next, "%s %s: %q", name, complaint, v)
}

func checkPath(name string, k Kind, v string) error {
	switch {
	case !strings.HasPrefix(v, "/"):
		return refuse(Advise("Type %s.", describeKind(k)), "%s must be an absolute path, and %q is relative", name, v)
	case path.Clean(v) != v:
		return refuse(Advise("Type %s if that is what you mean.", path.Clean(v)), "%s must be a clean path, without //, /./, /../ or a slash at its end: %q", name, v)
	case !pathPattern.MatchString(v):
		return refuse(Advise("Type %s.", describeKind(k)), "%s contains characters that a path here may not have: %q", name, v)
	}
	return nil
}

// checkArchive accepts the absolute path of a .tgz.
func checkArchive(name string, k Kind, v string) error {
	if err := checkPath(name, k, v); err != nil {
		return err
	}
	if !strings.HasSuffix(v, ".tgz") || strings.HasPrefix(path.Base(v), ".") {
		return refuse(Advise("Type %s.", describeKind(KindArchive)), "%s must end in .tgz and not begin with a dot: %q", name, v)
	}
	return nil
}

// checkMention refuses what Slack makes of @name and #name.
func checkMention(v string) error {
	if len(v) < 2 || v[0] != '<' {
		return nil
	}
	switch v[1] {
	case '@':
		return refuse(Advise("Type --cluster NAME if you meant a cluster."), "Slack turned a word into the mention of a person: %q", v)
	case '#':
		return refuse(Advise("Type the name without #."), "Slack turned a word into a channel: %q", v)
	case '!':
		return refuse(Advise("Type --cluster NAME if you meant a cluster."), "Slack turned a word into the mention of a group: %q", v)
	}
	return nil
}

var sumPattern = mustCompile(`^[0-9a-f]{64}$`)
