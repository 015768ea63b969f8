package als

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

var versionIn = regexp.MustCompile(`(?:^|[^0-9A-Za-z.])v?(\d{1,6}(?:\.\d{1,6}){1,3})(?:$|[^0-9A-Za-z.]|\.$)`)

// ReadVersion reads the output of `kato version`: the first number with one to
// three dots, as in 1.3, 3.4.2 and 1.1.0.19.
func ReadVersion(out []byte) (string, error) {
	for _, l := range clean(out) {
		l = strings.TrimSpace(l)
		if l == "" || noiseText.MatchString(l) || complaint([]byte(l)) != "" {
			continue
		}
		if m := versionIn.FindStringSubmatch(l); m != nil && !isIP(m[1]) {
			return m[1], nil
		} else if m != nil && strings.Count(m[1], ".") == 3 && strings.HasPrefix(m[1], "1.") && len(strings.Fields(l)) < 6 {
			return m[1], nil // an image version such as 1.1.0.19 looks like an address
		}
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
