command -v ssh >/dev/null || { echo 'why=there is no ssh'; exit 0; }
bad=
for ip; do
  ssh -n -o BatchMode=yes -o ConnectTimeout=10 -- "$ip" true >/dev/null 2>&1 || bad="$bad $ip"
done
echo "bad=$bad"
