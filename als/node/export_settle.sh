temp=$1 max=$2
failed() { say why "$1"; exit 1; }
if [ ! -f "$temp" ] || [ -L "$temp" ]; then failed 'the export left no archive'; fi
chmod 600 -- "$temp" 2>/dev/null
say mode "$(ls -ld -- "$temp" | cut -b 1-10)"
size=$(measure "$temp")
say size "$size"
[ "$size" != 0 ] || failed 'the archive is empty'
[ "$max" = 0 ] || [ -z "$(echo "$size $max" | awk '$1 > $2')" ] || failed 'the archive is larger than backup.max_size'
# what unpacks to more than this is a bomb, or zeros; nobody reads it to its end
look "$temp" "$(echo "$size" | awk '{ printf "%.0f", $1 * 200 + 67108864 }')"
[ -z "$bad" ] || failed "$bad"
if [ -n "$over" ]; then
  say files unknown
else
  printf '%s\n' "$list" | grep -E '^(files|members|m[0-9]+)='
fi
sum=$(sha256sum <"$temp") || failed 'the checksum could not be taken'
say sha256 "${sum%% *}"
dd if=/dev/null of="$temp" conv=notrunc,fsync 2>/dev/null || failed 'the archive could not be written to disk'
[ "$(measure "$temp")" = "$size" ] || failed 'the archive changed while it was read back'
