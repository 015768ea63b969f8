# The runner of one durable command. It claims the run, waits for the command
# and records its status. It has a session of its own, in the directory of the
# run, and needs nothing but open files once it has claimed the run.
#
#	sh -c "$(cat runner.sh)" alsb-run CHILD RUNAS COMMAND PATH LC_ALL UMASK
#
# Its stdin is the command's: /dev/null, or a pipe with one line.
set -u
stat() {
	line=
	read -r line <"/proc/$$/stat"
	fields ${line##*) }
}
fields() { session=$4; shift 19; begun=$1; }
stat
read -r boot </proc/sys/kernel/random/boot_id
# under numbers of their own: ksh and mksh hand none of these to a command
exec 5>>login 6<>inner 7<>state 8<>exit 9>>out
# Debian's mksh keeps its copy of the first descriptor that an exec replaces:
# this one, lest it be the pipe below, which our caller waits on
exec 9>>out

rm -f ".c.$$"
printf 'run %s %s %s %s end\n' "$$" "$begun" "$session" "$boot" >".c.$$"
complete=
read -r line <".c.$$" && complete=${line##* }
[ "$complete" = end ] && ln ".c.$$" claim 2>/dev/null
won=$?
rm -f ".c.$$"
if [ $won -ne 0 ]; then
	[ -e claim ] || echo "the claim could not be written"
	exit 0
fi
printf 'claimed\n' >&7
# from here on a power cut must not lose that the run was claimed
dd if=/dev/null of=claim conv=notrunc,fsync 2>/dev/null
exec >/dev/null 2>&1
oom=0
{ read -r oom </proc/$$/oom_score_adj; } 2>/dev/null
(echo -500 >/proc/$$/oom_score_adj) 2>/dev/null

printf 'spawning\n' >&7
setsid /bin/sh -c "$1" alsb-cmd "$2" "$3" "$4" "$5" "$6" "$oom" 3>&6 4>&9 >&5 2>&1 5>&- 6>&- 7>&- 8>&- 9>&-
rc=$?
reached=
{ while read -r who rest; do [ "$who" != cmd ] || reached=yes; done <inner; } 2>/dev/null
if [ -z "$reached" ]; then
	# the login ended first; its output is all there is to show
	[ $rc -ne 0 ] || rc=126
	cat login >&9
	echo "alsbot: the login shell ended before the command began" >&9
fi
printf 'exit %s end\n' "$rc" >&8
size=$(wc -c <out) && printf 'size %s end\n' "$((size))" >&8
dd if=/dev/null of=exit conv=notrunc,fsync
rm -f login
exit 0
