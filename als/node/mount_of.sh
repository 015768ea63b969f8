# mount_of DIR prints on which mount a directory without links in its path is:
# the last of the longest mount points above it. Blanks stay escaped as \040.
mount_of() {
  ALSB_DIR=$1 LC_ALL=C awk '
    function plain(s, out) {
      out = ""
      while (match(s, /\\[0-7][0-7][0-7]/)) {
        out = out substr(s, 1, RSTART - 1) sprintf("%c", substr(s, RSTART + 1, 1) * 64 + substr(s, RSTART + 2, 1) * 8 + substr(s, RSTART + 3, 1))
        s = substr(s, RSTART + 4)
      }
      return out s
    }
    BEGIN { dir = ENVIRON["ALSB_DIR"] }
    {
      at = plain($2)
      if (at != "/" && index(dir "/", at "/") != 1 || length(at) < best) next
      best = length(at); point = $2; source = $1; type = $3
    }
    END { if (best) printf "point=%s\nsource=%s\ntype=%s\n", point, source, type }' /proc/mounts 2>/dev/null
}
