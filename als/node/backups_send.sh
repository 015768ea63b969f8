LC_ALL=C; export LC_ALL
file=$1 size=$2 from=$3
if [ ! -e "$file" ] && [ ! -L "$file" ]; then exit 44; fi
if [ ! -f "$file" ] || [ -L "$file" ] || [ ! -r "$file" ]; then exit 45; fi
[ "$(wc -c <"$file" | tr -d ' ')" = "$size" ] || exit 45
exec tail -c "+$from" "$file" 2>/dev/null
