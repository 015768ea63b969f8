LC_ALL=C; export LC_ALL
dir=$1 name=$2 temp=$3
case $dir in '') dir=$HOME ;; esac
say() { printf '%s=%s\n' "$1" "$2"; }
say dir "$dir"
real=$(cd -- "$dir" 2>/dev/null && pwd -P) || { say state missing; exit 0; }
say real "$real"
if [ -w "$real" ]; then say state writable; else say state readonly; fi
if [ -L "$real/$name" ]; then say target other
elif [ -f "$real/$name" ]; then say target file; say size "$(wc -c <"$real/$name" | tr -d ' ')"
elif [ -e "$real/$name" ]; then say target other
else say target absent; fi
if [ -e "$real/$temp" ] || [ -L "$real/$temp" ]; then say temp present; else say temp absent; fi
df -P -k -- "$real" 2>/dev/null | awk 'NR == 2 { printf "free=%.0f\n", $4 * 1024 }'
mount_of "$real"
