package als_test

import (
	"strings"
	"testing"

	"alsbot/als"
)

// A report goes to the person who asked. If it is too large, people are told where
// it is.
func TestReportIsDelivered(t *testing.T) {
	printed := func(size, sound string) said {
		return said{"report": out("Report written\nsound=" + sound + "\nsize=" + size + "\nsha256=" + strings.Repeat("a", 64) + "\nfile=/tmp/stackato-report.tgz\n")}
	}
	for _, tt := range []struct {
		size, sound, want string
		file              bool
	}{
		{"1", "yes", "alsbot sends it to the person who asked, by direct message", true},
		{"52428800", "yes", "50 MiB. alsbot sends it", true},
		{"52428801", "yes", "stays there, since it is larger than 50 MiB", false},
		{"1000", "no", "is damaged", false},
		{"0", "yes", "no new report is to be found", false},
		{"-5", "yes", "no new report is to be found", false},
		{"9223372036854775807", "yes", "stays there, since it is larger than 50 MiB", false},
		{"9223372036854775808", "yes", "no new report is to be found", false},
	} {
		_, v := tell(t, testCluster(), "report", printed(tt.size, tt.sound))
		if (v.File != nil) != tt.file || !strings.Contains(v.Summary+" "+v.Next.Text, tt.want) {
			t.Errorf("%s bytes: %+v", tt.size, v)
		}
		if v.File != nil && (v.File.Node != als.Core || v.File.Name != "report-prod-k3v9t2.tgz" || v.File.SHA256 != strings.Repeat("a", 64)) {
			t.Errorf("the file: %+v", v.File)
		}
	}
}
