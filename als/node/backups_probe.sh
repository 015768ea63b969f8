LC_ALL=C; export LC_ALL
dir=$1
shift
case $dir in '') dir=$HOME ;; esac
real=$(cd -- "$dir" 2>/dev/null && pwd -P) && printf 'dir=%s\n' "$real"
n=0
for file; do
  if [ -L "$file" ]; then state=other
  elif [ -f "$file" ]; then
    state=unreadable
    if [ -r "$file" ]; then state=$(wc -c <"$file" | tr -d ' '); fi
  elif [ -e "$file" ]; then state=other
  else state=missing; fi
  printf 'f%s=%s\n' "$n" "$state"
  n=$((n + 1))
done
