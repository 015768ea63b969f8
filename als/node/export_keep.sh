LC_ALL=C; export LC_ALL
temp=$1 target=$2 suspect=$3 as=$4 size=$5
say() { printf '%s=%s\n' "$1" "$2"; }
failed() { say why "$1"; exit 1; }
plain() { [ -f "$1" ] && [ ! -L "$1" ]; }
case $as in
1) verdict=verified to=$target ;;
2) verdict=suspect to=$suspect ;;
*) failed 'the archive is not good' ;;
esac
plain "$temp" || failed 'the archive is no longer there'
[ "$(wc -c <"$temp" | tr -d ' ')" = "$size" ] || failed 'the archive changed after it was read back'
if [ -e "$to" ] || [ -L "$to" ]; then plain "$to" || failed "what stands at $to is not a regular file"; fi
mv -f -- "$temp" "$to" || failed "the archive could not be moved to $to"
say path "$to"
say verdict "$verdict"
