file=$1
if [ ! -e "$file" ]; then say state missing; exit 0; fi
if [ ! -f "$file" ]; then say state other; exit 0; fi
if [ ! -r "$file" ]; then say state unreadable; exit 0; fi
say size "$(measure "$file")"
look "$file" 9000000000000000
[ -z "$bad" ] || { say why "$bad"; say state damaged; exit 0; }
say unpacked "$unpacked"
printf '%s\n' "$list" | grep -E '^(files|tar|holds)='
sum=$(sha256sum <"$file")
say sha256 "${sum%% *}"
say state read
