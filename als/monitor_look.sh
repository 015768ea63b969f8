for p in nrsysmond nrpe zabbix_agentd collectd munin-node snmpd; do
  pgrep -x "$p" >/dev/null 2>&1 && agents="$agents $p"
done
echo "agents=$agents"
