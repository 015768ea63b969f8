LC_ALL=C; export LC_ALL
mount=$1 boot=$2 old=$3
PATH=$PATH:/sbin:/usr/sbin; export PATH
say() { printf '%s=%s\n' "$1" "$2"; }
failed() { say why "$1"; exit 1; }
if sudo -n true 2>/dev/null; then root() { sudo -n "$@"; }
elif [ "$(id -u)" = 0 ]; then root() { "$@"; }
else failed 'sudo asks for a password'; fi
options=usrjquota=aquota.user,grpjquota=aquota.group,jqfmt=vfsv0
# what is on is not counted again: quotacheck refuses that
if [ "$(quotaon -p "$mount" 2>/dev/null | grep -c ') is on$')" = 2 ]; then
  say done had-been-on
else
  root mount -o "remount,$options" "$mount" || failed "mounting $mount again with quotas"
  say done remount
  root quotacheck -vgumb "$mount" || failed "checking the quotas of $mount"
  say done quotacheck
  root quotaon -v "$mount" || failed "turning the quotas of $mount on"
  say done quotaon
fi
[ -f "$boot" ] || failed "there is no $boot, so after a reboot the quotas are off"
boot=$(readlink -f "$boot")
if awk -v m="$mount" '
  $1 == "mount" && $NF == m && /usrjquota=/ { mounts = 1 }
  $1 == "quotaon" && $NF == m { turns = 1 }
  END { exit !(mounts && turns) }' "$boot"; then say done boot-script-had-it; exit 0; fi
new=$(mktemp) || failed 'no temporary file'
trap 'rm -f "$new"; root rm -f "$boot.alsbot"' EXIT
trap 'exit 1' HUP INT TERM
awk -v m="$mount" -v o="$options" '
  function block() {
    print "# quotas for " m
    print "if [ -f \"" m "/aquota.user\" ]; then"
    print "  mount -o remount," o " " m
    print "  quotaon -v " m
    print "fi"
  }
  { line[NR] = $0; if ($0 ~ /^exit( |$)/) last = NR }
  END { for (i = 1; i <= NR; i++) { if (i == last) block(); print line[i] } if (!last) block() }' "$boot" >"$new" || failed "writing the block for $boot"
if command -v bash >/dev/null && ! bash -n "$new"; then failed "$boot would no longer be a script"; fi
root cp -p "$boot" "$old" || failed "keeping $boot as $old"
# it appears whole, with its owner and mode, or not at all
root cp -p "$boot" "$boot.alsbot" && root cp "$new" "$boot.alsbot" && root mv -f "$boot.alsbot" "$boot" || failed "writing $boot; it is as it was"
say done boot-script
