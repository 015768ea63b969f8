LC_ALL=C; export LC_ALL
mount=$1 boot=$2 old=$3
PATH=$PATH:/sbin:/usr/sbin; export PATH
say() { printf '%s=%s\n' "$1" "$2"; }
failed() { say why "$1"; exit 1; }
if sudo -n true 2>/dev/null; then root() { sudo -n "$@"; }
elif [ "$(id -u)" = 0 ]; then root() { "$@"; }
else failed 'sudo asks for a password'; fi
options=usrjquota=aquota.user,grpjquota=aquota.group,jqfmt=vfsv0
root mount -o "remount,$options" "$mount" || failed "mounting $mount again with quotas"
say done remount
root quotacheck -vgumb "$mount" || failed "checking the quotas of $mount"
say done quotacheck
root quotaon -v "$mount" || failed "turning the quotas of $mount on"
say done quotaon
[ -f "$boot" ] || failed "there is no $boot, so after a reboot the quotas are off"
if grep -q -F "quotaon -v $mount" "$boot"; then say done boot-script-had-it; exit 0; fi
new=$(mktemp) || failed 'no temporary file'
trap 'rm -f "$new"' EXIT
awk -v m="$mount" -v o="$options" '
  function block() {
    print "# quotas for " m
    print "if [[ -f \"" m "/aquota.user\" ]]; then"
    print "  mount -o remount," o " " m
    print "  quotaon -v " m
    print "fi"
  }
  { line[NR] = $0; if ($0 ~ /^exit( |$)/) last = NR }
  END { for (i = 1; i <= NR; i++) { if (i == last) block(); print line[i] } if (!last) block() }' "$boot" >"$new" || failed "writing the block for $boot"
if command -v bash >/dev/null && ! bash -n "$new"; then failed "$boot would no longer be a script"; fi
root cp -p "$boot" "$old" || failed "keeping $boot as $old"
root cp "$new" "$boot" || failed "writing $boot; its previous version is $old"
say done boot-script
