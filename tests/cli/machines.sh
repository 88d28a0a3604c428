#!/usr/bin/env bash
# Many machines: folders of recordings with GNU parallel, parts on a Slurm cluster of two nodes.
. "$(dirname "$0")/tap.bash"
export DIFFY=$diffy
"$scene" --size 96x64 --frames 200 clip.y4m

# ---- GNU parallel
if command -v parallel >/dev/null; then
    folder() { # what failed is done again, what is done is not
        mkdir -p in/deep
        cp clip.y4m "in/a b.y4m"
        "$scene" --size 96x64 --frames 30 --seed 2 in/deep/c.y4m
        head -c 20 clip.y4m >in/broken.y4m
        JOBS=2 "$top/tools/cluster/encode-folder" in out --effort 1 && { echo "the broken one was not told"; return 1; }
        [ "$(frames_of "out/a b.dfy")" = 200 ] && [ "$(frames_of out/deep/c.dfy)" = 30 ] && [ ! -e out/broken.dfy ] || return 1
        local before=$(stat -c %Y.%s "out/a b.dfy") lines=$(wc -l <out/manifest.tsv)
        [ "$lines" = 4 ] || { cat out/manifest.tsv; return 1; }
        cp clip.y4m in/broken.y4m
        "$scene" --size 96x64 --frames 30 --seed 3 in/d.y4m
        JOBS=2 "$top/tools/cluster/encode-folder" in out --effort 1 || { cat out/manifest.tsv; return 1; }
        [ "$(frames_of out/broken.dfy)" = 200 ] && [ -e out/d.dfy ] && [ "$(stat -c %Y.%s "out/a b.dfy")" = "$before" ]
    }
    check "a folder of recordings: started again, only what failed or is new is done" folder
    parts() {
        "$diffy" encode --effort 1 --parts 3 clip.y4m run.dfy
        seq 3 | parallel --will-cite -j 2 "$diffy" encode --resume --effort 1 --part {}/3 clip.y4m part{}.dfy &&
            "$diffy" join part1.dfy part2.dfy part3.dfy joined.dfy && cmp joined.dfy run.dfy
    }
    check "parts at the same time are those of one run" parts
else
    skip "a folder of recordings" "GNU parallel is not there"
fi

# ---- Slurm
pids=()
cluster() { # two nodes, their controller and munge, on ports of their own; sinfo tells when they are ready
    local port=$((20000 + RANDOM % 20000)) d=$work/slurm node i
    mkdir -p "$d/state" "$d/munge" && chmod 755 "$work" "$d" && chmod 700 "$d/munge" || return 1
    head -c 1024 /dev/urandom >"$d/munge/key" && chmod 400 "$d/munge/key"
    munged --force --foreground --socket="$d/munge/socket" --key-file="$d/munge/key" --pid-file="$d/munge/pid" \
        --log-file="$d/munge/log" --seed-file="$d/munge/seed" >"$d/munge.txt" 2>&1 &
    pids+=($!)
    cat >"$d/slurm.conf" <<CONF
ClusterName=test
SlurmctldHost=localhost
SlurmctldPort=$port
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$d/munge/socket
CredType=cred/munge
StateSaveLocation=$d/state
SlurmdSpoolDir=$d/spool-%n
SlurmctldPidFile=$d/controller.pid
SlurmdPidFile=$d/%n.pid
SlurmctldLogFile=$d/controller.log
SlurmdLogFile=$d/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
SchedulerParameters=bf_interval=1,sched_interval=1
NodeName=node[1-2] NodeHostname=localhost NodeAddr=127.0.0.1 Port=[$((port + 1))-$((port + 2))] CPUs=1 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
    export SLURM_CONF=$d/slurm.conf
    sleep 0.5
    slurmctld -D >"$d/controller.txt" 2>&1 &
    pids+=($!)
    for node in node1 node2; do
        slurmd -D -N $node >"$d/$node.txt" 2>&1 &
        pids+=($!)
    done
    for ((i = 0; i < 60; i++)); do [ "$(sinfo -h -N -t idle 2>/dev/null | wc -l)" = 2 ] && return 0; sleep 0.5; done
    return 1
}
slurm() { # five parts on both nodes; one is killed the first time, and goes on; the joined file is that of one run
    cat >killed <<'SH'
#!/bin/sh
case "$*" in *"--part 2/5"*) [ -e killed.once ] || { : >killed.once; kill -9 $$; } ;; esac
exec "$DIFFY_REAL" "$@"
SH
    chmod +x killed
    "$diffy" encode --effort 1 --parts 5 clip.y4m single.dfy
    local join i
    join=$(DIFFY=$work/killed DIFFY_REAL=$diffy "$top/tools/cluster/slurm-encode" 5 clip.y4m cluster.dfy --effort 1) || return 1
    for ((i = 0; i < 120; i++)); do squeue -h -j "$join" 2>/dev/null | grep -q . || break; sleep 0.5; done
    tail -n 3 cluster.dfy.parts/*.log
    [ -e killed.once ] && cmp cluster.dfy single.dfy
}
stop_cluster() { for ((i = ${#pids[@]} - 1; i >= 0; i--)); do kill "${pids[i]}" 2>/dev/null; done; }
if ! command -v slurmctld >/dev/null || ! command -v munged >/dev/null; then
    skip "parts on a Slurm cluster of two nodes" "slurm-wlm and munge are not there"
elif [ "$(id -u)" != 0 ]; then
    skip "parts on a Slurm cluster of two nodes" "only root can start one"
else
    trap 'stop_cluster; rm -rf "$work"' EXIT
    if cluster; then
        check "parts on a Slurm cluster of two nodes are joined to the file of one run" slurm
    else
        skip "parts on a Slurm cluster of two nodes" "it does not start here: $(tail -n 1 "$work"/slurm/*.txt 2>/dev/null | tail -n 1)"
    fi
fi
finish
