package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net"
	"net/http"
	"os"
	"os/user"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"alsbot/runs"
)

type peerKey struct{}

// withPeer adds the person at the other end of a socket to ctx.
func withPeer(ctx context.Context, c net.Conn) context.Context {
	uc, ok := c.(*net.UnixConn)
	if !ok {
		return ctx
	}
	raw, err := uc.SyscallConn()
	if err != nil {
		return ctx
	}
	name := runs.UnknownAccount
	_ = raw.Control(func(fd uintptr) {
		cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
		if err == nil {
			name = account("/proc", cred.Pid, cred.Uid)
		}
	})
	return context.WithValue(ctx, peerKey{}, name)
}

// account returns the name of the person behind a process: the user who logged
// in, whom sudo and su don't change. Where nobody has logged in, as in a
// service, it is the process's own user. Where that can't be told, it is nobody:
// root would be somebody else.
func account(proc string, pid int32, uid uint32) string {
	login, err := loginUID(proc, pid, uid)
	switch {
	case errors.Is(err, errNoAudit):
		return userName(int(uid))
	case err != nil:
		return runs.UnknownAccount
	case login == noLogin:
		return userName(int(uid))
	}
	return userName(int(login))
}

// OwnAccount returns the name under which a bot on this host knows the person
// who runs this process.
func OwnAccount() string {
	return account("/proc", int32(os.Getpid()), uint32(os.Geteuid()))
}

// noLogin is the kernel's login UID of a process that belongs to no login.
const noLogin = math.MaxUint32

// errNoAudit reports a kernel that keeps no login UIDs.
var errNoAudit = errors.New("this kernel keeps no login UIDs")

// loginUID reads the login UID of a process of user uid.
func loginUID(proc string, pid int32, uid uint32) (uint32, error) {
	if _, err := os.Stat(proc + "/self/loginuid"); errors.Is(err, fs.ErrNotExist) {
		return 0, errNoAudit
	}
	dir := fmt.Sprintf("%s/%d", proc, pid)
	text, err := os.ReadFile(dir + "/loginuid")
	if err != nil {
		return 0, err
	}
	// The process may have ended, and another one may have its number: that one
	// has to be the same user's at least.
	info, err := os.Stat(dir)
	if err != nil {
		return 0, err
	}
	if st, ok := info.Sys().(*syscall.Stat_t); !ok || st.Uid != uid {
		return 0, fmt.Errorf("process %d is not user %d's", pid, uid)
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 32)
	return uint32(n), err
}

// userName returns the name of a user of this host.
func userName(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return "uid " + strconv.Itoa(uid)
}

func peer(r *http.Request) runs.Principal {
	name, _ := r.Context().Value(peerKey{}).(string)
	return runs.Principal{Source: runs.FromLocal, ID: name}
}
