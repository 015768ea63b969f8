if [ -d "$1" ] && [ ! -L "$1" ]; then rm -rf -- "$1" && echo "removed $1"; fi
