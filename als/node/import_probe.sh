LC_ALL=C; export LC_ALL
file=$1
say() { printf '%s=%s\n' "$1" "$2"; }
if [ ! -e "$file" ]; then say state missing; exit 0; fi
if [ ! -f "$file" ]; then say state other; exit 0; fi
if [ ! -r "$file" ]; then say state unreadable; exit 0; fi
say size "$(($(wc -c <"$file")))"
unpacked=$({ { gzip -dc <"$file" 2>/dev/null; echo "end $?" >&3; } | wc -c; } 3>&1 |
  awk '/^end [0-9]+$/ { s = $2; next } { n = $1 } END { printf "%.0f %d\n", n, s }')
[ "${unpacked#* }" = 0 ] || { say state damaged; exit 0; }
say unpacked "${unpacked% *}"
gzip -dc <"$file" 2>/dev/null | { tar -tvf - 2>/dev/null; echo "end $?"; } | awk '
  /^-/ { n++ }
  /^[-d]/ { k = split($NF, part, "/"); for (i = 1; i <= k; i++) { sub(/\..*$/, "", part[i]); if (part[i] ~ /^(filesystem|harbor|mysql|postgresql|mongodb|memcached|redis|rabbit|rabbit3)$/) has[part[i]] = 1 } }
  /^end [0-9]+$/ { s = $2 }
  END { printf "files=%d\ntar=%d\nholds=", n, s; for (h in has) printf "%s ", h; print "" }'
sum=$(sha256sum <"$file")
say sha256 "${sum%% *}"
say state read
