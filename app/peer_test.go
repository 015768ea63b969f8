package app_test

import (
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"testing"

	"alsbot/app"
)

// Under sudo, SO_PEERCRED names root: the person is who logged in.
func TestThePersonAtTheSocketIsWhoLoggedIn(t *testing.T) {
	t.Parallel()
	me := uint32(os.Getuid())
	own, err := user.LookupId(strconv.Itoa(os.Getuid()))
	if err != nil {
		t.Skip("this user has no name")
	}
	const nobody = "(unknown account)"
	for name, tt := range map[string]struct {
		self, peer string // loginuid files; "-" is none
		uid        uint32
		want       string
	}{
		"by sudo":                    {self: "4294967295", peer: "54321", uid: me, want: "uid 54321"},
		"a login of the same user":   {self: "0", peer: strconv.Itoa(os.Getuid()) + "\n", uid: me, want: own.Username},
		"a service":                  {self: "4294967295", peer: "4294967295", uid: me, want: own.Username},
		"a kernel without audit":     {self: "-", peer: "-", uid: me, want: own.Username},
		"the process has ended":      {self: "4294967295", peer: "-", uid: me, want: nobody},
		"the file is garbled":        {self: "4294967295", peer: "no", uid: me, want: nobody},
		"the file is empty":          {self: "4294967295", peer: "", uid: me, want: nobody},
		"a number that is too large": {self: "4294967295", peer: "99999999999", uid: me, want: nobody},
		"another user's process":     {self: "4294967295", peer: "54321", uid: me + 1, want: nobody},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proc := t.TempDir()
			for dir, text := range map[string]string{"self": tt.self, "7": tt.peer} {
				if err := os.Mkdir(filepath.Join(proc, dir), 0o755); err != nil {
					t.Fatal(err)
				}
				if text != "-" {
					if err := os.WriteFile(filepath.Join(proc, dir, "loginuid"), []byte(text), 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
			if got := app.Account(proc, 7, tt.uid); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
