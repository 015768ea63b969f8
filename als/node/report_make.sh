LC_ALL=C; export LC_ALL
say() { printf '%s=%s\n' "$1" "$2"; }
mark=$(mktemp) || exit 1
trap 'rm -f "$mark"' EXIT
out=$("$@" 2>&1 </dev/null)
status=$?
printf '%s\n' "$out"
file=$(printf '%s\n' "$out" | grep -o '/[A-Za-z0-9._/+-]*\.tgz' | tail -n 1)
[ -n "$file" ] || file=/tmp/stackato-report.tgz
if [ -f "$file" ] && [ ! -L "$file" ] && [ -z "$(find "$mark" -newer "$file")" ]; then
  gzip -t <"$file" 2>/dev/null && say sound yes
  say size "$(($(wc -c <"$file")))"
  sum=$(sha256sum <"$file")
  say sha256 "${sum%% *}"
  say file "$file"
fi
exit $status
