LC_ALL=C; export LC_ALL
temp=$1 target=$2 suspect=$3 least=${4:-0}
say() { printf '%s=%s\n' "$1" "$2"; }
failed() { say why "$1"; say verdict failed; exit 1; }
plain() { [ -f "$1" ] && [ ! -L "$1" ]; }
free() { { [ ! -e "$1" ] && [ ! -L "$1" ]; } || plain "$1"; }
measure() { echo $(($(wc -c <"$temp"))); }
plain "$temp" || failed 'the export left no archive'
size=$(measure)
say size "$size"
[ "$size" -gt 0 ] || failed 'the archive is empty'
# what unpacks to more than this is a bomb, or zeros; nobody reads it to its end
most=$((size * 200 + 67108864))
unpacked=$({ { gzip -dc <"$temp" 2>/dev/null; echo "end $?" >&3; } | head -c $((most + 1)) | wc -c; } 3>&1 |
  awk '/^end [0-9]+$/ { s = $2; next } { n = $1 } END { printf "%.0f %d\n", n, s }')
if [ "${unpacked% *}" -gt "$most" ]; then
  files=unknown
else
  [ "${unpacked#* }" = 0 ] || failed 'gzip cannot read the archive to its end'
  counted=$({ gzip -dc <"$temp" 2>/dev/null | tar -tvf - 2>/dev/null; echo "end $?"; } |
    awk '/^-/ { n++ } /^end [0-9]+$/ { s = $2 } END { printf "%d %d\n", n, s }')
  [ "${counted#* }" = 0 ] || failed 'tar cannot read the archive to its end'
  files=${counted% *}
fi
say files "$files"
sum=$(sha256sum <"$temp") || failed 'the checksum could not be taken'
sum=${sum%% *}
say sha256 "$sum"
dd if=/dev/null of="$temp" conv=notrunc,fsync 2>/dev/null || failed 'the archive could not be written to disk'
[ "$(measure)" = "$size" ] || failed 'the archive changed while it was read back'
verdict=verified to=$target
if [ "$files" = unknown ]; then
  say why 'it unpacks to more than 200 times its size, and was read no further'; verdict=suspect to=$suspect
elif [ "$files" = 0 ]; then
  say why 'it holds no file'; verdict=suspect to=$suspect
elif [ "$size" -lt "$least" ]; then
  say why "it has $size bytes, and half the median of the last ones is $least"; verdict=suspect to=$suspect
fi
free "$to" || failed "what stands at $to is not a regular file"
mv -f -- "$temp" "$to" || failed "the archive could not be moved to $to"
say path "$to"
say verdict "$verdict"
[ "$verdict" = verified ] || exit 3
