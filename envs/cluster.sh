# Sourced by scripts/test: installs the SLURM that tests/cluster starts, where this runs as root on Debian.
#   install_cluster_tools
install_cluster_tools() {
    local reason="" command missing="" policy=/usr/sbin/policy-rc.d
    for command in slurmctld slurmd slurmdbd squeue munged mariadbd; do
        PATH="$PATH:/usr/sbin" command -v "$command" >/dev/null || missing="$missing $command"
    done
    [ -n "$missing" ] || return 0
    if ! command -v apt-get >/dev/null; then
        reason="not installed:$missing"
    elif [ "$(id -u)" -ne 0 ]; then
        reason="not installed:$missing, which root can do with apt-get"
    else
        echo "installing SLURM for the tests of the cluster ..." >&2
        # the tests start daemons of their own, so that Debian is to start none
        if [ -e "$policy" ]; then
            policy=""
        else
            printf '#!/bin/sh\nexit 101\n' > "$policy"
            chmod +x "$policy"
        fi
        (
            export DEBIAN_FRONTEND=noninteractive
            apt-get -qq update && apt-get -qq install --yes --no-install-recommends \
                slurmctld slurmd slurmdbd slurm-client munge mariadb-server
        ) >/dev/null || reason="apt-get failed"
        [ -z "$policy" ] || rm -f "$policy"
    fi
    if [ -n "$reason" ]; then
        echo "the tests on a real SLURM will be skipped: $reason" >&2
        [ "${CI:-}" != true ] || return 69
    fi
}
