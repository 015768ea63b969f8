LC_ALL=C; export LC_ALL
process=$1 file=$2
say() { printf '%s=%s\n' "$1" "$2"; }
if sudo -n true 2>/dev/null; then root() { sudo -n "$@"; }; else root() { "$@"; }; fi
if pgrep -x "$process" >/dev/null 2>&1; then say agent yes; else say agent no; fi
say mode "$(root stat -c %a "$file" 2>/dev/null)"
if root grep -q '^[[:space:]]*license_key[[:space:]]*=[[:space:]]*[A-Za-z0-9]\{40\}[[:space:]]*$' "$file" 2>/dev/null; then say key yes; else say key no; fi
if root test -e "$file.alsbot"; then say left yes; fi
