LC_ALL=C; export LC_ALL
df -P -k / "$HOME" 2>/dev/null | awk 'NR > 1 && (least == "" || $4 < least) { least = $4 } END { if (least != "") printf "free=%.0f\n", least * 1024 }'
free -k 2>/dev/null | awk '
  NR == 1 { new = /available/ }
  /^Mem:/ { kb = new ? $7 : $4 + $6 + $7 }
  /^-\/\+/ { kb = $4 }
  END { if (kb != "") printf "memory=%.0f\n", kb * 1024 }'
