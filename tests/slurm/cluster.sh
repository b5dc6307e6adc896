#!/usr/bin/env bash
# A real Slurm of one node on this machine, for tests: `up DIR` starts munge,
# slurmctld and slurmd with all their files in DIR and prints the path of its
# slurm.conf; `down DIR` ends them. Status 77 where that cannot be, with why.
set -euo pipefail

skip() {
  echo "skipped: $*"
  exit 77
}

up() {
  local program host
  [ "$(id -u)" -eq 0 ] || skip "slurmd needs root"
  for program in munged slurmctld slurmd srun sbatch; do
    command -v "$program" >/dev/null ||
      skip "$program is not installed; scripts/setup.sh --tests installs it"
  done
  host=$(hostname -s)
  mkdir -p "$dir/state" "$dir/spool" "$dir/munge"
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
  cat >"$dir/slurm.conf" <<CONF
ClusterName=lenstest
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=${LENS_SLURM_PORT:-16817}
SlurmdPort=$((${LENS_SLURM_PORT:-16817} + 1))
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/munge/socket
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=pmix
ReturnToService=2
KillWait=20
JobRequeue=1
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=main Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
  export SLURM_CONF=$dir/slurm.conf
  slurmctld -f "$SLURM_CONF" || skip "slurmctld does not start"
  slurmd -f "$SLURM_CONF" || skip "slurmd does not start"
  for _ in $(seq 100); do
    if sinfo --noheader --format=%t 2>/dev/null | grep -qx idle; then
      echo "$SLURM_CONF"
      return
    fi
    sleep 0.2
  done
  tail -n 5 "$dir/slurmctld.log" "$dir/slurmd.log" >&2
  echo "the node does not become idle" >&2
  exit 1
}

down() {
  local pid file
  SLURM_CONF=$dir/slurm.conf scancel --quiet --user=root 2>/dev/null || true
  for file in slurmd.pid slurmctld.pid munge/pid; do
    pid=$(cat "$dir/$file" 2>/dev/null) || continue
    kill "$pid" 2>/dev/null || continue
    for _ in $(seq 50); do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.1
    done
    kill -9 "$pid" 2>/dev/null || true
  done
}

[ $# -eq 2 ] || {
  echo "usage: cluster.sh up|down DIR" >&2
  exit 2
}
dir=$2
case $1 in
  up) up ;;
  down) down ;;
  *) exit 2 ;;
esac
