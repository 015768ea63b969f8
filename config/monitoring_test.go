package config_test

import (
	"strings"
	"testing"

	"alsbot/config"
)

const licence = "0123456789abcdefABCDEF0123456789abcdef01"

func TestSecrets(t *testing.T) {
	c := load(t, minimal, "ALSBOT_MONITORING__NEWRELIC__LICENSE_KEY="+licence)
	if got := c.Secret("monitoring.newrelic.license_key").Reveal(); got != licence {
		t.Errorf("by its path: %q", got)
	}
	if c.Secret("slack.app_token").Reveal() != "xapp-1" || c.Secret("slack.command") != "" || c.Secret("nowhere") != "" {
		t.Error("a path finds what is no secret, or not what is one")
	}
	if n := len(c.Secrets()); n != 3 { // the two tokens of the smallest config, and the licence key
		t.Errorf("%d secrets", n)
	}
}

func TestNewRelicMistakes(t *testing.T) {
	text := minimal + `monitoring:
  newrelic:
    license_key: hush-hush
    package: -rf
    source: "deb http://x; reboot"
    install: [apt-get update, 'sh -c "reboot"', apt-get  update]
    config_file: etc/x.cfg
    start: "-x"
    process: a-name-that-is-much-too-long
`
	_, err := config.Load(write(t, text), nil)
	if err == nil {
		t.Fatal("no mistake is found")
	}
	for _, key := range []string{"license_key: should be 40", "package: ", "source: ", "install[1]: ", "install[2]: ", "config_file: ", "start: ", "process: "} {
		if !strings.Contains(err.Error(), "monitoring.newrelic."+key) {
			t.Errorf("nothing on %s in:\n%v", key, err)
		}
	}
	if strings.Contains(err.Error(), "hush") || strings.Contains(err.Error(), "install[0]") {
		t.Error(err)
	}
}
