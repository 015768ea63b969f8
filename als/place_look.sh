LC_ALL=C; export LC_ALL
path=$1
say() { printf '%s=%s\n' "$1" "$2"; }
real=$(cd -- "$path" 2>/dev/null && pwd -P) || { say state missing; exit 0; }
say real "$real"
if [ -w "$real" ]; then say state writable; else say state readonly; fi
say entries "$(ls -A -- "$real" 2>/dev/null | grep -c -v '^lost+found$')"
df -P -k -- "$real" 2>/dev/null | awk 'NR == 2 { printf "device=%s\nfree=%.0f\nmount=%s\n", $1, $4 * 1024, $6 }'
mount=$(df -P -k -- "$real" 2>/dev/null | awk 'NR == 2 { print $6 }')
{ findmnt -n -o FSTYPE,OPTIONS "$mount" 2>/dev/null || awk -v m="$mount" '$2 == m { l = $3 " " $4 } END { print l }' /proc/mounts; } |
  awk 'NR == 1 { printf "type=%s\noptions=%s\n", $1, $2 }'
[ -f "$mount/aquota.user" ] && say userfile yes
[ -f "$mount/aquota.group" ] && say groupfile yes
if PATH=$PATH:/sbin:/usr/sbin quotaon -p "$mount" 2>/dev/null | grep -q '(.*) is on'; then say quotas on; else say quotas off; fi
for boot in /etc/init.d/setup_helion_lxc /etc/init.d/setup_stackato_lxc; do
  [ -f "$boot" ] || continue
  say boot "$boot"
  if grep -q -F "quotaon -v $mount" "$boot"; then say block yes; fi
  break
done
exit 0
