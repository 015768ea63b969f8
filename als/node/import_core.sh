LC_ALL=C; export LC_ALL
host=$1
say() { printf '%s=%s\n' "$1" "$2"; }
there() { ssh -n -o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=10 -- "$host" "$@"; }
command -v ssh >/dev/null || { say ssh none; exit 0; }
if said=$(there true 2>&1 >/dev/null); then
  say ssh ok
else
  say said "$(printf '%s\n' "$said" | sed -n '$p')"
  case $said in
    *'IDENTIFICATION HAS CHANGED'*) say ssh changed ;;
    *'verification failed'*) say ssh strange ;;
    *'Permission denied'*) say ssh denied ;;
    *'resolve hostname'*) say ssh unknown ;;
    *) say ssh away ;;
  esac
  exit 0
fi
who='cat /proc/sys/kernel/random/boot_id; stat -c %d:%i:%Z "$HOME"'
[ "$(there "$who" 2>/dev/null)" = "$(sh -c "$who" 2>/dev/null)" ] && say same yes
if there 'sudo -n true' >/dev/null 2>&1; then say sudo ok; else say sudo asks; fi
