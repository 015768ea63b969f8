LC_ALL=C; export LC_ALL
say() { printf '%s=%s\n' "$1" "$2"; }
which=0
for dir in "$@"; do
  which=$((which + 1))
  real=$(cd -- "$dir" 2>/dev/null && pwd -P) || continue
  say place "$which"
  say real "$real"
  say device "$(df -P -k -- "$real" 2>/dev/null | awk 'NR == 2 { print $1 }')"
  say entries "$(ls -A -- "$real" 2>/dev/null | grep -c -v '^lost+found$')"
  sum=$(du -s -k -- "$real" 2>/dev/null) || say partly yes
  printf '%s\n' "$sum" | awk 'NR == 1 && $1 ~ /^[0-9]+$/ { printf "bytes=%.0f\n", $1 * 1024 }'
  exit 0
done
say place none
exit 0
