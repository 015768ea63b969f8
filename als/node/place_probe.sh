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
case $(PATH=$PATH:/sbin:/usr/sbin quotaon -p "$mount" 2>/dev/null | grep -c ') is on$') in
2) say quotas on ;;
1) say quotas partly ;;
*) say quotas off ;;
esac
for boot in /etc/init.d/setup_helion_lxc /etc/init.d/setup_stackato_lxc; do
  [ -f "$boot" ] || continue
  say boot "$boot"
  awk -v m="$mount" '
    $1 == "mount" && $NF == m && /usrjquota=/ { mounts = 1 }
    $1 == "quotaon" && $NF == m { turns = 1 }
    END { if (mounts && turns) print "block=yes" }' "$boot"
  break
done
exit 0
