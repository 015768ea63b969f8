LC_ALL=C; export LC_ALL
dir=$1 temp=$2 mount=$3
say() { printf '%s=%s\n' "$1" "$2"; }
failed() { say why "$1"; exit 1; }
[ "$(cd -- "$dir" 2>/dev/null && pwd -P)" = "$dir" ] || failed "the directory $dir is no longer there"
now=$(mount_of "$dir")
[ -z "$mount" ] || [ "$now" = "$mount" ] || failed "the filesystem of $dir is no longer the one that the plan was made for"
printf '%s\n' "$now"
umask 077
why=$(mkdir -m 700 -- "$dir/$temp" 2>&1) || failed "the private directory $dir/$temp could not be made: $why"
say mode "$(ls -ld -- "$dir/$temp" | cut -b 1-10)"
