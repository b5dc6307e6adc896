#!/usr/bin/env bash
# A real Slurm on this machine, for tests.
#
#   cluster.sh up DIR [NODES]   starts munge, slurmctld and a slurmd for each
#                               node, with all their files in DIR, and prints
#                               the path of its slurm.conf
#   cluster.sh down DIR         ends them
#
# One node, the default, is this host. Several are network namespaces on a
# bridge, each with a host name of its own; they share files and processes with
# this host. Status 77 where that cannot be, with why.
set -euo pipefail

skip() {
  echo "skipped: $*"
  exit 77
}

require() { # PROGRAMS
  local program
  for program; do
    command -v "$program" >/dev/null ||
      skip "$program is not installed; scripts/setup.sh --tests installs it"
  done
}

start_munge() {
  mkdir -p "$dir/munge"
  # A key, socket and daemon of its own: one that runs here is left alone.
  head -c 1024 /dev/urandom >"$dir/munge/key"
  chown -R munge "$dir/munge"
  chmod 700 "$dir/munge"
  chmod 400 "$dir/munge/key"
  chmod 755 "$dir/munge"
  runuser -u munge -- munged --force --key-file="$dir/munge/key" \
    --socket="$dir/munge/socket" --pid-file="$dir/munge/pid" \
    --log-file="$dir/munge/log" --seed-file="$dir/munge/seed" \
    --num-threads=2 || skip "munged does not start: $(tail -1 "$dir/munge/log")"
}

# Sets port to the first of two that nobody listens at: a test that was killed
# leaves its daemons.
choose_ports() {
  local listening
  listening=$(ss --tcp --listening --numeric --no-header)
  for ((port = 16817; port < 17817; port += 2)); do
    grep -qE ":($port|$((port + 1))) " <<<"$listening" || return 0
  done
  skip "every port from 16817 to 17816 is taken (ss -tln)"
}

configure() { # HOST ADDRESS NODES_LINE: slurm.conf
  choose_ports
  cat >"$dir/slurm.conf" <<CONF
ClusterName=lenstest
SlurmctldHost=$1($2)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/munge/socket
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool/%n
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd-%n.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=pmix
ReturnToService=2
SlurmdTimeout=20
KillWait=20
JobRequeue=1
$3 CPUs=$(nproc) State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
}

# Sets network to the first 10.77.N that no interface has: a test that was
# killed leaves its bridge, and a host finds no node behind two of one network.
choose_network() {
  local i taken
  taken=$(ip -4 address show)
  for i in {0..255}; do
    network=10.77.$i
    grep -qF " $network." <<<"$taken" || return 0
  done
  skip "every network of 10.77 is taken (ip address; ip link delete BRIDGE)"
}

# A bridge, and for each node a namespace with a leg on it.
connect() { # NODES
  local i bridge space
  require ip nsenter unshare
  # In a chroot / is no mount, and its mounts cannot be made private.
  unshare --mount true 2>/dev/null || skip "no mount namespaces here"
  choose_network
  bridge=lens$((RANDOM % 10000))
  ip link add "$bridge" type bridge 2>/dev/null ||
    skip "no network namespaces here (that needs the right to make a bridge)"
  echo "$bridge $1" >"$dir/network"
  ip address add "$network.254/24" dev "$bridge"
  ip link set "$bridge" up
  printf '127.0.0.1 localhost\n%s.254 control\n' "$network" >"$dir/hosts"
  for ((i = 1; i <= $1; ++i)); do
    space=$bridge-n$i
    ip netns add "$space"
    ip link add "$bridge-$i" type veth peer name eth0 netns "$space"
    ip link set "$bridge-$i" master "$bridge" up
    ip -n "$space" address add "$network.$i/24" dev eth0
    ip -n "$space" link set eth0 up
    ip -n "$space" link set lo up
    printf '%s.%s n%s\n' "$network" "$i" "$i" >>"$dir/hosts"
    mkdir -p "$dir/pmix-n$i"
  done
  # Step daemons of one job would meet in one folder.
  mkdir -p "$dir/pmix"
  echo "PMIxCliTmpDirBase=$dir/pmix" >"$dir/mpi.conf"
}

as_host() { # NAME COMMAND: with a host name and names of the others
  # shellcheck disable=SC2016  # for the inner shell
  unshare --mount --uts bash -c '
    dir=$1 name=$2
    shift 2
    hostname "$name"
    mount --bind "$dir/hosts" /etc/hosts
    [ ! -d "$dir/pmix-$name" ] || mount --bind "$dir/pmix-$name" "$dir/pmix"
    exec "$@"' as_host "$dir" "$@"
}

start_here() {
  local host
  host=$(hostname -s)
  configure "$host" 127.0.0.1 "NodeName=$host NodeAddr=127.0.0.1"
  slurmctld -f "$SLURM_CONF" || skip "slurmctld does not start"
  slurmd -f "$SLURM_CONF" || skip "slurmd does not start"
}

start_nodes() { # NODES
  local i network
  connect "$1"
  configure control "$network.254" "NodeName=n[1-$1] NodeAddr=$network.[1-$1]"
  as_host control slurmctld -f "$SLURM_CONF" || skip "slurmctld does not start"
  for ((i = 1; i <= $1; ++i)); do
    nsenter --net="/run/netns/$(cut -d' ' -f1 "$dir/network")-n$i" \
      "$0" slurmd "$dir" "n$i" || skip "slurmd of n$i does not start"
  done
}

up() { # NODES
  [ "$(id -u)" -eq 0 ] || skip "slurmd needs root"
  require munged slurmctld slurmd srun sbatch
  mkdir -p "$dir/state" "$dir/spool"
  start_munge
  if [ "$1" -eq 1 ]; then start_here; else start_nodes "$1"; fi
  for _ in $(seq 100); do
    if [ "$(sinfo --noheader --Node --format=%t 2>/dev/null | grep -cx idle)" \
      -eq "$1" ]; then
      echo "$SLURM_CONF"
      return
    fi
    sleep 0.2
  done
  tail -n 5 "$dir"/slurm*.log >&2
  echo "the nodes do not become idle" >&2
  exit 1
}

down() {
  local pid file bridge nodes i
  scancel --quiet --user=root 2>/dev/null || true
  for file in "$dir"/slurmd-*.pid "$dir/slurmctld.pid" "$dir/munge/pid"; do
    pid=$(cat "$file" 2>/dev/null) || continue
    kill "$pid" 2>/dev/null || continue
    for _ in $(seq 50); do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.1
    done
    kill -9 "$pid" 2>/dev/null || true
  done
  [ -e "$dir/network" ] || return 0
  read -r bridge nodes <"$dir/network"
  for ((i = 1; i <= nodes; ++i)); do
    ip netns delete "$bridge-n$i" || true
  done
  ip link delete "$bridge"
}

[ $# -ge 2 ] || {
  echo "usage: cluster.sh up DIR [NODES] | down DIR" >&2
  exit 2
}
dir=$2
export SLURM_CONF=$dir/slurm.conf
case $1 in
  up) up "${3:-1}" ;;
  slurmd) as_host "$3" slurmd -N "$3" -f "$SLURM_CONF" ;;
  down) down ;;
  *) exit 2 ;;
esac
