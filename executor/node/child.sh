# The command side of a durable command. It writes its session to inner (3),
# starts a login shell, writes the session of the command and becomes the command.
# What the login prints goes to the file login; only the command writes to out (4).
#
#	sh -c "$(cat child.sh)" alsb-cmd RUNAS COMMAND PATH LC_ALL UMASK OOM
(echo "$6" >/proc/$$/oom_score_adj) 2>/dev/null
# a line "su /proc/PID/stat end" now, and a line "cmd ..." behind the login
note='{ read -r ALSB_L </proc/$$/stat && printf "%s %s end\n" WHO "$ALSB_L"; } >&3 && unset ALSB_L'
eval "${note%WHO*}su${note#*WHO}"
# Without the line the command does not begin: its absence is proof of that.
command=": >&4 && ${note%WHO*}cmd${note#*WHO} && exec 3>&- >&4 2>&4 4>&- && exec $2"

umask "$5"
if [ -n "$1" ]; then
	user=$1 shell=$(getent passwd "$1" 2>/dev/null)
	shell=${shell##*:}
	set --
	case ${shell##*/} in
	'' | sh | ash | bash | dash | ksh | mksh | zsh | nologin | false) ;;
	csh | tcsh | bsd-csh | fish) set -- -s /bin/sh ;;
	*) echo "alsbot does not know $shell, the login shell of $user"; exit 126 ;;
	esac
	exec su - "$user" "$@" -c "$command"
fi
PATH=$3 LC_ALL=$4
[ -n "$4" ] || unset LC_ALL
cd "${HOME:-/}" || cd /
case ${SHELL##*/} in
sh | ash | bash | dash | ksh | mksh | zsh) exec "$SHELL" -l -c "$command" ;;
esac
exec /bin/sh -l -c "$command"
