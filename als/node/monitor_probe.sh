agents=
for p in nrsysmond nrpe zabbix_agentd collectd munin-node snmpd "$@"; do
  case " $agents " in *" $p "*) continue ;; esac
  [ -n "$p" ] && pgrep -x "$p" >/dev/null 2>&1 && agents="$agents $p"
done
echo "agents=$agents"
