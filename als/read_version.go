package als

import (
	"errors"
	"fmt"
	"strings"
)

var versionIn = mustCompile(`^(?:[A-Za-z]{1,20} ){0,5}v?(\d{1,6}(?:\.\d{1,6}){1,3})\.?$`)

// ReadVersion reads the output of `kato version`: one line that ends with a
// number with one to three dots, as in 1.3, 3.4.2 and 1.1.0.19.
func ReadVersion(out []byte) (string, error) {
	version := ""
	g := &gaps{}
	lines := clean(out)
	for _, line := range lines {
		m := versionIn.FindStringSubmatch(strings.TrimSpace(line))
		switch {
		case isNoise(line):
		// An image version such as 1.1.0.19 looks like an address.
		case m == nil || complaint([]byte(line)) != "" || isIP(m[1]) && !strings.HasPrefix(m[1], "1."):
			g.line(line)
		case version != "":
			g.say("there is more than one version")
		default:
			version = m[1]
		}
	}
	g.textEnd(lines)
	if version != "" {
		return version, g.err("kato's version")
	}
	if said := complaint(out); said != "" {
		return "", fmt.Errorf("kato did not tell its version: %s", said)
	}
	return "", errors.New("kato did not tell its version: there is no number with a dot in its answer")
}

// generationOf returns how a kato of this version behaves, or "" if that is
// not known. ALS itself is 1.x. The other numbers are Stackato's, which kato
// may print as well.
func generationOf(version string) Generation {
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	switch major + "." + minor {
	case "1.0", "3.0", "3.1":
		return ALS10
	case "1.1", "3.2", "3.3", "3.4":
		return ALS11
	case "1.2", "1.3", "3.5", "3.6":
		return ALS13
	}
	if major == "2" && minor != "" {
		return ALS10
	}
	return ""
}
