# The node side of a durable command. A call sends all of it as one argument of
# one exec request. It needs only a POSIX sh and what Ubuntu 12.04 ships:
#
#	sh -c "$(cat node.sh)" alsb VERB BASE OWNER NONCE ID [ARGUMENT ...]
#
#	start OFF MAX FROM RUNAS COMMAND RUNNER CHILD [input]	start the run, unless it
#				is there; with input, stdin has the line for its stdin
#	poll OFF MAX FROM WAIT		print its state and output; wait WAIT seconds for news
#	revoke OFF MAX FROM		keep it from beginning, if it has not begun
#	cancel GRACE			revoke it, or end its processes
#	clean DAYS			delete its output, keep a tombstone for DAYS
#	list				print every run in BASE (ID is -), and the time of its
#				exit file: its end, or its start if it has not ended
#
# A run is a directory BASE/ID:
#
#	cmd	user and command, as first requested
#	claim	"run PID START SID BOOT end" or "revoked 0 0 0 0 end"; the first
#		process to link it decides for good whether the command runs
#	state	"claimed", then "spawning", written before the command is forked
#	inner	/proc/PID/stat of the login (su) and of the command (cmd)
#	out	what the command printed; login has what its login shell printed
#	exit	"exit STATUS end" and "size BYTES end"
#	cancel	a cancel was requested
#
# state, inner and exit are made with spare room and only overwritten, so that a
# full disk cannot lose a status. Every file is written under another name and
# linked: it is there complete or not at all, and the first one stays.
set -u
path=$PATH lc=${LC_ALL-} mask=$(umask)
umask 077
PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
export PATH LC_ALL
unset TIME_STYLE QUOTING_STYLE BLOCK_SIZE POSIXLY_CORRECT
verb=$1 base=$2 owner=$3 nonce=$4 id=$5
shift 5

say() { printf '\nALSB1 %s %s\n' "$nonce" "$*"; }
end() { printf 'ALSB1 %s end sum=%s\n' "$nonce" "$1"; exit 0; }
# die CODE DETAIL...: report an error, with the detail on one line
die() { set -f; code=$1; shift; set -- $*; say "error=$code $*"; exit 0; }
# full DETAIL: report a failed write, and on which file system
full() {
	fs=$(df -P . 2>/dev/null | tail -n 1)
	left=$(df -P -i . 2>/dev/null | tail -n 1)
	case $1 in
	'' | *'No space'* | *quota* | *'I/O error'*) die space "$fs; inodes: $left" ;;
	esac
	die write "$1; $fs"
}
# put NAME TEXT: create the file NAME, unless it is there
put() {
	rm -f ".t.$$"
	printf '%s\n' "$2" >".t.$$" && [ "$(cat ".t.$$")" = "$2" ] && ln ".t.$$" "$1" 2>/dev/null
	rm -f ".t.$$"
	[ -e "$1" ]
}
nap() { sleep "${1:-0.1}" 2>/dev/null || sleep 1; }
now() { read -r up rest </proc/uptime; up=${up%%.*}; }

# enter: go to BASE, and refuse one that others could tamper with
enter() {
	case $base in
	/*) cd / ;;
	*) [ -n "${HOME-}" ] && cd "$HOME" 2>/dev/null ;;
	esac || die unsafe "the login user has no home directory"
	rest=$base
	while [ -n "$rest" ]; do
		part=${rest%%/*}
		case $rest in */*) rest=${rest#*/} ;; *) rest= ;; esac
		[ -n "$part" ] || continue
		if [ ! -d "$part" ]; then
			[ "$make" = make ] || return 1
			why=$(mkdir "./$part" 2>&1) || [ -d "$part" ] || full "$why"
		fi
		[ -n "$rest" ] || [ ! -h "$part" ] || die unsafe "$(pwd -P)/$part is a symbolic link"
		cd -P "./$part" 2>/dev/null || die unsafe "$(pwd -P)/$part cannot be entered"
	done
	here=$(pwd -P) me=$(id -u)
	dir=$here
	set -- "$dir"
	while [ "$dir" != / ]; do
		dir=${dir%/*}
		[ -n "$dir" ] || dir=/
		set -- "$dir" "$@"
	done
	why=$(ls -ldn "$@" | while read -r mode links uid gid size month day hour name; do
		case $name:$mode in
		"$here:drwx------"*) [ "$uid" = "$me" ] && echo ok ;;
		"$here":*) echo "$name has mode $mode, not drwx------" ;;
		*:?????????[tT]*) ;;
		*:????????w*) echo "$name can be written by others" ;;
		*:?????w*) [ "$gid" = 0 ] || echo "$name can be written by group $gid" ;;
		esac
		[ "$uid" = 0 ] || [ "$uid" = "$me" ] || echo "$name belongs to user $uid"
	done 2>&1)
	[ "$why" = ok ] || die unsafe "$why"
	if [ ! -e .owner ]; then
		[ "$make" = make ] || return 0
		why=$( (put .owner "$owner end") 2>&1) || full "$why"
	fi
	who= complete=
	read -r who complete <.owner
	[ "$who $complete" = "$owner end" ] || die foreign "$who in $here/.owner"
}

# stat PID: set state, parent, session and begun from /proc, or fail
stat() {
	line=
	{ read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
	fields ${line##*) }
}
fields() {
	[ $# -ge 20 ] || return 1
	state=$1 parent=$2 session=$4
	shift 19
	begun=$1
}
alive() { stat "$1" && [ "$begun" = "$2" ] && [ "$state" != Z ] && [ "$state" != X ]; }

# members: set pids to the live processes of the command. Its sessions are in
# inner. The kernel reuses no session number while the session has members, so it
# is ours if its leader is gone or is the process in inner.
members() {
	pids= sessions=' ' su= cmd=
	{
		while read -r who pid line; do
			case $line in *' end') ;; *) continue ;; esac
			fields ${line##*) } || continue
			wasbegun=$begun wassession=$session
			if stat "$wassession" && [ "$pid" = "$wassession" ] && [ "$begun" != "$wasbegun" ]; then
				continue
			fi
			sessions="$sessions$wassession "
			case $who in su) su=$pid ;; cmd) cmd=$pid ;; esac
		done <inner
	} 2>/dev/null
	[ "$sessions" != ' ' ] || return 0
	for proc in /proc/[0-9]*; do
		stat "${proc#/proc/}" || continue
		case $state in Z | X) continue ;; esac
		# the session of a login that has not reached the command yet
		[ -z "$cmd" ] && [ "$parent" = "$su" ] && sessions="$sessions$session "
		case $sessions in *" $session "*) pids="$pids ${proc#/proc/}" ;; esac
	done
	return 0
}

# ended: succeed if the status is on record; set rc, and size if it is there
ended() {
	a= b= c= d= e= f=
	{ { read -r a b c; read -r d e f; } <exit; } 2>/dev/null
	[ "$a $c" = 'exit end' ] || return 1
	case $b in '' | *[!0-9]*) return 1 ;; esac
	rc=$b size=
	[ "$d $f" = 'size end' ] && size=$e
	return 0
}
began() {
	a= b=
	{ { read -r a; read -r b; } <state; } 2>/dev/null
	[ "$b" = spawning ]
}
# look: set is (the state), rc and size. The order of the checks matters: a command
# may end between any two of them.
look() {
	is=corrupt rc=- size=
	[ -e claim ] || { is=prepared; return; }
	kind= runner= start= sid= boot= complete= now=
	{ read -r kind runner start sid boot complete <claim; } 2>/dev/null
	case $kind$complete in
	revokedend) is=revoked; return ;;
	runend) ;;
	*) return ;;
	esac
	read -r now </proc/sys/kernel/random/boot_id
	if ended && { [ -n "$size" ] || [ "$boot" != "$now" ] || ! alive "$runner" "$start"; }; then
		is=finished
	elif [ "$boot" = "$now" ] && alive "$runner" "$start"; then
		is=running rc=-
	elif ended; then
		is=finished
	elif [ "$boot" != "$now" ]; then
		if began; then is=rebooted; else is=notbegun; fi
	else
		members
		if [ -n "$pids" ]; then is=orphan; elif began; then is=lost; else is=notbegun; fi
	fi
}
measure() { [ -n "$size" ] || { [ -e out ] && size=$(wc -c 2>/dev/null <out) && size=$((size)); } || size=0; }

# part OFF LEN: print that part of out. It copies the middle in whole blocks, twice
# as fast as through pipes.
part() {
	lead=$(((65536 - $1 % 65536) % 65536))
	if [ $((lead + 65536)) -gt "$2" ]; then
		tail -c "+$(($1 + 1))" out | head -c "$2"
		return
	fi
	[ $lead -eq 0 ] || tail -c "+$(($1 + 1))" out | head -c $lead
	blocks=$((($2 - lead) / 65536)) skip=$((($1 + lead) / 65536))
	dd if=out bs=65536 skip=$skip count=$blocks 2>/dev/null
	left=$(($2 - lead - blocks * 65536))
	[ $left -eq 0 ] || tail -c "+$(($1 + $2 - left + 1))" out | head -c $left
}
# sha256 BYTES: print the sum of stdin. openssl starts slower and is three times as fast.
sha256() {
	if [ "$1" -gt 16777216 ] && command -v openssl >/dev/null; then
		h=$(openssl dgst -sha256)
		echo "${h##* }"
	else
		h=$(sha256sum)
		echo "${h%% *}"
	fi
}
# answer OFF MAX FROM: print state and output, and at the end the sum from FROM on
answer() {
	measure
	n=$((size - $1)) sum=-
	[ "$n" -le "$2" ] || n=$2
	if [ "$n" -lt 0 ] || [ ! -e out ]; then n=0; fi
	say "state=$is rc=$rc size=$size off=$1 len=$n"
	[ "$n" -eq 0 ] || part "$1" "$n"
	case $is in
	running | orphan) ;;
	*) [ $(($1 + n)) -eq "$size" ] && [ "$3" -lt "$size" ] &&
		sum=$(part "$3" $((size - $3)) | sha256 $((size - $3))) ;;
	esac
	end "$sum"
}
none() { say 'state=none rc=- size=0 off=0 len=0'; end -; }
# open: create the directory of the run and go there
open() {
	why=$(mkdir "./$id" 2>&1) || [ -d "$id" ] || full "$why"
	[ ! -h "$id" ] && cd "./$id" || die unsafe "$here/$id is not a directory"
}

# launch START-ARGUMENTS: start the runner, which closes its stdout when it has
# claimed the run. Our stdin is the stdin of the command.
launch() { exec setsid /bin/sh -c "$6" alsb-run "$7" "$4" "$5" "$path" "$lc" "$mask" 2>&1; }
start() {
	same="${4:--} $5"
	if [ ! -e cmd ] && [ ! -e claim ]; then
		why=$( (put cmd "$same") 2>&1) || full "$why"
	fi
	[ ! -e cmd ] || [ "$(cat cmd)" = "$same" ] || die conflict "$here/$id holds another command"
	if [ ! -e claim ]; then
		for f in state inner exit; do
			why=$( (put $f "$(printf '%4095s.' ' ')") 2>&1) || full "$why"
		done
		if [ -z "${8-}" ]; then
			why=$(launch "$@" </dev/null &)
		else
			# a secret: it is in the memory of this shell and then in a pipe, and goes with them
			IFS= read -r input || die request "the command's input did not come whole"
			why=$(launch "$@" <<-END &
				$input
			END
			)
		fi
		[ -e claim ] || full "starting: $why"
	fi
	look
	answer "$1" "$2" "$3"
}

poll() {
	look
	measure
	first=$is wait=$4 beat=0
	[ "$is" != orphan ] || [ "$wait" -lt 2 ] || wait=2
	now
	until=$((up + wait))
	while [ "$is" = "$first" ] && [ "$size" -le "$1" ] && [ "$up" -lt "$until" ]; do
		case $is in running | orphan) ;; *) break ;; esac
		# a byte now and then, or nobody would notice that the reader has left
		beat=$((beat + 1))
		[ $((beat % 20)) -ne 0 ] || printf '\n' || exit 1
		if [ $beat -lt 5 ]; then nap 0.02; else nap; fi
		look
		measure
		now
	done
	answer "$1" "$2" "$3"
}

# forbid: make sure that it has begun or never will
forbid() {
	[ -e claim ] || (put claim 'revoked 0 0 0 0 end') 2>/dev/null || full 'revoking'
	look
}
revoke() {
	forbid
	answer "$1" "$2" "$3"
}
# cancel GRACE: send TERM to each process once and, after GRACE seconds, KILL
cancel() {
	forbid
	if [ "$is" = running ] || [ "$is" = orphan ] || { [ "$is" = finished ] && [ -e cancel ]; }; then
		(: >cancel) 2>/dev/null
		told=' '
		now
		until=$((up + $1))
		while members && look && [ "$is$pids" != finished ]; do
			for p in $pids; do
				case $told in *" $p "*) continue ;; esac
				kill -TERM "$p" 2>/dev/null
				told="$told$p "
			done
			case $is in running | orphan | finished) ;; *) break ;; esac
			now
			[ "$up" -lt "$until" ] || break
			nap
		done
		now
		until=$((up + 5))
		while members && look && [ "$up" -lt "$until" ]; do
			case $is$pids in finished | lost | rebooted | notbegun) break ;; esac
			for p in $pids; do kill -KILL "$p" 2>/dev/null; done
			nap
			now
		done
	fi
	measure
	say "state=$is rc=$rc size=$size off=0 len=0"
	end -
}

# clean DAYS: keep claim and exit, so that a late start finds them, and delete the
# ones that are older than DAYS
clean() {
	look
	measure
	case $is in
	finished | revoked) rm -f out login inner cancel cmd state .t.* ;;
	lost | rebooted | notbegun | corrupt) rm -f out login inner cancel cmd .t.* ;;
	*) die busy "$here/$id is $is" ;;
	esac
	touch claim
	cd "$here" || exit 1
	find . -name claim -mtime "+$1" 2>/dev/null | while read -r old; do
		old=${old%/claim}
		old=${old#./}
		case $old in '' | *[!a-z0-9-]*) continue ;; esac
		[ -e "$old/cmd" ] || [ -e "$old/out" ] && continue
		rm -f "./$old/claim" "./$old/exit" "./$old/state" && rmdir "./$old"
	done 2>/dev/null
	say "state=$is rc=$rc size=$size off=0 len=0"
	end -
}

list() {
	find . -mindepth 2 -maxdepth 2 -type f -regex './[a-z0-9-]+/exit' -printf "\nALSB1 $nonce at=%Ts run=%h\n" 2>/dev/null
	for run in *; do
		case $run in *[!a-z0-9-]*) continue ;; esac
		[ -d "$run" ] && [ ! -h "$run" ] && cd "./$run" || continue
		look
		measure
		what=
		[ ! -f cmd ] || IFS= read -r what <cmd
		printf '\nALSB1 %s run=%s state=%s rc=%s size=%s cmd=%.300s\n' "$nonce" "$run" "$is" "$rc" "$size" "$what"
		cd "$here" || exit 1
	done
	end -
}

make=
case $verb in start | revoke | cancel) make=make ;; esac
case $id in *[!a-z0-9-]*) die request "bad id" ;; esac
if ! enter; then
	[ "$verb" != list ] || end -
	none
fi
case $verb in
start | revoke | cancel) open ;;
poll | clean)
	[ -d "$id" ] || none
	[ ! -h "$id" ] && cd "./$id" || die unsafe "$here/$id is not a directory"
	;;
esac
case $verb in
start | poll | revoke | cancel | clean | list) "$verb" "$@" ;;
*) die request "bad verb" ;;
esac
