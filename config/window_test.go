package config_test

import (
	"testing"
	"time"

	"alsbot/config"
)

func TestWindow(t *testing.T) {
	const layout = "2006-01-02 15:04:05Z07:00"
	tests := []struct{ window, at, next string }{
		// 28 November 2026 is a Saturday; Berlin is an hour ahead of UTC.
		{"Sat 02:00-05:00 Europe/Berlin", "2026-11-28 00:59:59Z", "2026-11-28 01:00:00Z"},
		{"Sat 02:00-05:00 Europe/Berlin", "2026-11-28 01:00:00Z", "2026-11-28 01:00:00Z"},
		{"Sat 02:00-05:00 Europe/Berlin", "2026-11-28 03:59:59Z", "2026-11-28 03:59:59Z"},
		{"Sat 02:00-05:00 Europe/Berlin", "2026-11-28 04:00:00Z", "2026-12-05 01:00:00Z"},
		{"02:00-03:00", "2026-11-28 04:00:00Z", "2026-11-29 02:00:00Z"},
		{"Mon-Fri 22:00-02:00", "2026-11-28 01:00:00Z", "2026-11-28 01:00:00Z"}, // Friday night
		{"Mon-Fri 22:00-02:00", "2026-11-28 02:00:00Z", "2026-11-30 22:00:00Z"},
		{"fri-mon 10:00-11:00 UTC", "2026-11-24 00:00:00Z", "2026-11-27 10:00:00Z"},
		{"Wed,Thu 00:00-24:00", "2026-11-23 12:00:00Z", "2026-11-25 00:00:00Z"},
		{"Wed,Thu 00:00-24:00", "2026-11-26 23:59:59Z", "2026-11-26 23:59:59Z"},
		{"Wed,Thu 00:00-24:00", "2026-11-27 00:00:00Z", "2026-12-02 00:00:00Z"},
		// The clocks go forward on 28 March 2027 at 02:00, back on 25 October
		// 2026 at 03:00.
		{"Sun 01:00-05:00 Europe/Berlin", "2027-03-28 02:59:59Z", "2027-03-28 02:59:59Z"},
		{"Sun 01:00-05:00 Europe/Berlin", "2027-03-28 03:00:00Z", "2027-04-03 23:00:00Z"},
		{"Sun 01:00-05:00 Europe/Berlin", "2026-10-25 03:59:59Z", "2026-10-25 03:59:59Z"},
		// In Havana, Sunday 12 March 2023 had no midnight: it began at 01:00.
		{"Sun 02:10-02:20 America/Havana", "2023-03-11 05:16:08Z", "2023-03-12 06:10:00Z"},
	}
	for _, tt := range tests {
		w, err := config.ParseWindow(tt.window)
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(layout, tt.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.Next(at).UTC().Format(layout); got != tt.next {
			t.Errorf("%s at %s: next is %s, want %s", tt.window, tt.at, got, tt.next)
		}
		if got := w.Contains(at); got != (tt.at == tt.next) {
			t.Errorf("%s at %s: contains is %v", tt.window, tt.at, got)
		}
	}
	if (config.Window{}).Contains(time.Now()) {
		t.Error("the zero window is open")
	}
}

func TestWindowRefused(t *testing.T) {
	for _, text := range []string{"", "Sat", "02:00", "02:00-", "2:00-5:00", "02:00-25:00", "24:00-02:00", "02:00-02:00", "Sat-Funday 02:00-03:00",
		"Sat, 02:00-03:00", "02:00-03:00 Mars/Base", "02:00-03:00 Local", "Sat 02:00-03:00 UTC again", "02:00-03:00 ../../etc/passwd"} {
		if w, err := config.ParseWindow(text); err == nil {
			t.Errorf("%q was read as %v", text, w)
		}
	}
}

func TestOpens(t *testing.T) {
	at := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	var c config.Cluster
	if got := c.Opens(at); got != 0 {
		t.Errorf("without windows: %v", got)
	}
	for _, text := range []string{"Mon 00:00-01:00", "20:00-21:00"} {
		w, err := config.ParseWindow(text)
		if err != nil {
			t.Fatal(err)
		}
		c.Windows = append(c.Windows, w)
	}
	if got := c.Opens(at); got != 8*time.Hour {
		t.Errorf("got %v, want 8h", got)
	}
}
