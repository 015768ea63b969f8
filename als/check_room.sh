LC_ALL=C; export LC_ALL
df -P -k / "$HOME" 2>/dev/null | awk 'NR > 1 && (least == "" || $4 < least) { least = $4 } END { if (least != "") printf "free=%.0f\n", least * 1024 }'
awk '/^(MemFree|Buffers|Cached):/ { kb += $2 } END { printf "memory=%.0f\n", kb * 1024 }' /proc/meminfo
