LC_ALL=C; export LC_ALL
IFS= read -r key
exec </dev/null
process=$1 file=$2 source=$3 start=$4
shift 4
PATH=$PATH:/sbin:/usr/sbin; export PATH
set -f
say() { printf '%s=%s\n' "$1" "$2"; }
failed() { say why "$1"; exit 1; }
[ -n "$key" ] || failed 'no licence key came with it'
if sudo -n true 2>/dev/null; then root() { sudo -n "$@"; }
elif [ "$(id -u)" = 0 ]; then root() { "$@"; }
else failed 'sudo asks for a password'; fi
has=$(root sed -n 's/^[[:space:]]*license_key[[:space:]]*=[[:space:]]*//p' "$file" 2>/dev/null)
if [ "$has" = "$key" ] && pgrep -x "$process" >/dev/null 2>&1; then say done had-it; exit 0; fi
if [ -n "$source" ]; then
  list=/etc/apt/sources.list.d/newrelic.list
  if [ "$(cat "$list" 2>/dev/null)" != "$source" ]; then
    printf '%s\n' "$source" | root tee "$list" >/dev/null || failed "writing $list"
  fi
  say done source
fi
for line; do
  say running "$line"
  root $line || failed "running $line"
done
say done install
# its text is an argument, the key is not: a here-document is a pipe
write='
  IFS= read -r key; file=$1 new=$1.alsbot
  umask 077
  trap "rm -f \"\$new\"" EXIT; trap "exit 1" HUP INT TERM
  {
    [ ! -e "$file" ] || sed "/^[[:space:]]*license_key[[:space:]]*=/d" "$file" || exit 1
    cat <<END
license_key=$key
END
  } >"$new" || exit 1
  if [ -e "$file" ]; then chgrp --reference="$file" "$new" && chmod 640 "$new" || exit 1; fi
  mv -f "$new" "$file"'
root sh -c "$write" alsbot-key "$file" <<END || failed "writing the key into $file"
$key
END
say done key
root $start || failed "starting the agent with $start"
say done start
