LC_ALL=C; export LC_ALL
unset GZIP TAR_OPTIONS
say() { printf '%s=%s\n' "$1" "$2"; }
# Sizes are compared as text or by awk: some shells count to 2^31.
measure() { wc -c <"$1" | tr -d ' '; }

# look FILE MOST reads a .tgz to its end, or until it has unpacked to more than
# MOST bytes. It writes nothing. It sets bad to what is wrong with the archive,
# over to yes if it unpacks to more than MOST, and unpacked, files and list.
look() {
  bad='' over='' list='' most=$2
  cut=$(echo "$most" | awk '{ printf "%.0f", $1 + 1 }')
  # tar -R says at which block of 512 bytes the zeros at the end begin
  list=$({ gzip -dc <"$1" 2>/dev/null | head -c "$cut" | tar -tvR --numeric-owner -f - 2>/dev/null; echo "end $?"; } |
    cut -b 1-1000 | awk '
    /^block [0-9]+: \*\* Block of NULs \*\*$/ { zeros = $2 + 0; next }
    /^block [0-9]+: [^ *]/ {
      kind = substr($0, index($0, ": ") + 2, 1)
      if (kind == "-") files++
      if (!match($0, /^block [0-9]+: [^ ]+ +[^ ]+ +[^ ]+ [0-9-]+ [0-9:.]+ /)) next
      name = substr($0, RLENGTH + 1)
      if (kind == "l") sub(/ -> .*/, "", name)
      if (kind == "h") sub(/ link to .*/, "", name)
      sub(/^(\.?\/)+/, "", name)
      k = split(name, part, "/")
      member = part[1]
      if (k > 1 && part[2] != "") member = member "/" part[2]
      member = substr(member, 1, 120)
      if (member != "" && !(member in seen) && members <= 200) { seen[member] = 1; order[++members] = member }
      if (kind == "-" || kind == "d") for (i = 1; i <= k; i++) {
        sub(/\..*$/, "", part[i])
        if (part[i] ~ /^(filesystem|harbor|mysql|postgresql|mongodb|memcached|redis|rabbit|rabbit3)$/) has[part[i]] = 1
      }
    }
    /^end [0-9]+$/ { status = $2 }
    END {
      printf "files=%d\ntar=%d\nfrom=%.0f\nholds=", files, status, zeros * 512 + 1
      for (h in has) printf "%s ", h
      print ""
      if (members > 200) print "members=many"
      else for (i = 1; i <= members; i++) print "m" i "=" order[i]
    }')
  files=$(found files)
  from=$(found from)
  rest=$({ { gzip -dc <"$1" 2>/dev/null; echo "end $?" >&3; } | head -c "$cut" | tail -c "+$from" | tr '\012\000' 'x\012' | wc -lc; } 3>&1 |
    awk '/^end [0-9]+$/ { s = $2; next } { z = $1; n = $2 } END { printf "%d %.0f %.0f\n", s, z, n }')
  # the last 4 bytes of a gzip say how much it holds, modulo 2^32
  set -- $rest $(tail -c 4 <"$1" | od -A n -t u1) 0 0 0 0
  unpacked=$(echo "$from $3" | awk '{ printf "%.0f", $1 - 1 + $2 }')
  verdict=$(echo "$unpacked $most $4 $5 $6 $7" | awk '
    $1 > $2 { print "over"; exit }
    $3 + 256 * ($4 + 256 * ($5 + 256 * $6)) != $1 % 4294967296 { print "more" }')
  if [ "$verdict" = over ]; then over=yes
  elif [ "$1" = 2 ]; then bad='something follows the end of the gzip'
  elif [ "$1" != 0 ]; then bad='gzip cannot read the archive to its end'
  elif [ "$verdict" = more ]; then bad='something follows the end of the gzip'
  elif [ "$(found tar)" != 0 ]; then bad='tar cannot read the archive to its end'
  elif [ "$from" = 1 ] || [ "$3" = 0 ] || [ "$3" = 512 ]; then bad='the tar ends without its two blocks of zeros, so its end is missing'
  elif [ "$2" != "$3" ]; then bad='something follows the end of the tar'; fi
}
found() { printf '%s\n' "$list" | sed -n "s/^$1=//p" | sed -n 1p; }
