if [ -f "$1" ] && [ ! -L "$1" ]; then rm -f -- "$1" && echo "removed $1"; fi
