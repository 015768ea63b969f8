LC_ALL=C; export LC_ALL
dir=$1 stays=$2
shift 2
say() { printf '%s=%s\n' "$1" "$2"; }
sized() { [ -f "$1" ] && [ ! -L "$1" ] && [ "$(wc -c <"$1" | tr -d ' ')" = "$2" ]; }
case $dir in '') dir=$HOME ;; esac
home=$(cd -- "$dir" 2>/dev/null && pwd -P) || { say why "there is no directory $dir"; exit 1; }
while [ "$stays" -gt 0 ]; do
  sized "$1" "$2" || { say why "$1, which has to stay, is not as it was"; exit 1; }
  shift 2
  stays=$((stays - 1))
done
n=0 bad=0
while [ $# -ge 3 ]; do
  file=$1 size=$2 sum=$3
  shift 3
  state=stuck
  if [ ! -e "$file" ] && [ ! -L "$file" ]; then state=missing
  elif [ "${file%/*}" != "$home" ]; then state=elsewhere
  elif ! sized "$file" "$size"; then state=altered
  elif now=$(sha256sum <"$file") && [ "${now%% *}" != "$sum" ]; then state=altered
  elif [ "${now%% *}" = "$sum" ] && rm -f -- "$file" 2>/dev/null && [ ! -e "$file" ]; then state=removed; fi
  case $state in removed | missing) ;; *) bad=3 ;; esac
  say "f$n" "$state"
  n=$((n + 1))
done
exit $bad
