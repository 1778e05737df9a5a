"""The configuration of a SLURM of one node that keeps to one folder and to one address of this machine."""

from __future__ import annotations

import os
import secrets
import socket
from contextlib import ExitStack
from pathlib import Path

ACCOUNT = "levelworks"
NODE = "node1"

SLURM_CONF = """\
ClusterName={account}
SlurmctldHost={host}({address})
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd.log
MailProg=/bin/true
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
PropagateResourceLimits=NONE
KillWait=2
ReturnToService=2
SlurmctldTimeout=300
SlurmdTimeout=300
MinJobAge=300
MaxJobCount=20000
MaxArraySize={max_array_size}
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,sched_min_interval=10000,batch_sched_delay=0,default_queue_depth=5000,\
bf_interval=2,bf_max_job_test=5000
PreemptType=preempt/partition_prio
PreemptMode=CANCEL
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost={address}
AccountingStoragePort={database_port}
AccountingStoragePass={folder}/munge.socket
{enforce}
DefMemPerCPU={memory_per_cpu}
NodeName={node} NodeHostname={host} NodeAddr={address} CPUs={cpus} RealMemory={memory_mb} State=UNKNOWN
PartitionName=normal Nodes={node} Default=YES MaxTime=02:00:00 PriorityTier=1 PreemptMode=OFF State=UP
PartitionName=low Nodes={node} MaxTime=02:00:00 PriorityTier=1 PreemptMode=CANCEL GraceTime=0 State=UP
PartitionName=urgent Nodes={node} MaxTime=02:00:00 PriorityTier=10 PreemptMode=OFF State=UP
"""

SLURMDBD_CONF = """\
DbdHost=localhost
DbdAddr={address}
DbdPort={database_port}
CommunicationParameters=NoInAddrAny
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
PidFile={folder}/slurmdbd.pid
LogFile={folder}/log/slurmdbd.log
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=root
StorageLoc=accounting
"""


def write_configuration(folder: Path, *, cpus: int, memory_mb: int, max_array_size: int, enforce_limits: bool) -> None:
    """Write slurm.conf, slurmdbd.conf, cgroup.conf and a new munge.key into a folder, with ports that are free now."""
    controller_port, node_port, database_port = free_ports(3)
    values = {
        "folder": folder,
        "account": ACCOUNT,
        "node": NODE,
        "host": socket.gethostname().split(".")[0],
        "address": _address(),
        "controller_port": controller_port,
        "node_port": node_port,
        "database_port": database_port,
        "cpus": cpus,
        "memory_mb": memory_mb,
        "memory_per_cpu": memory_mb // cpus,
        "max_array_size": max_array_size,
        "enforce": "AccountingStorageEnforce=associations,limits" if enforce_limits else "",
    }
    files = {
        "slurm.conf": SLURM_CONF.format(**values).encode(),
        "slurmdbd.conf": SLURMDBD_CONF.format(**values).encode(),
        "cgroup.conf": b"ConstrainRAMSpace=no\n",  # SLURM complains of an empty one
        "munge.key": secrets.token_bytes(128),
    }
    for name, content in files.items():
        # slurmdbd and munged refuse files that others can read
        with open(folder / name, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(content)


def _address() -> str:
    # with NoInAddrAny the daemons listen at the address of the machine's name, or do not start when it has none
    try:
        return socket.gethostbyname(socket.gethostname())
    except OSError as error:
        raise OSError(
            f"the name of this machine, {socket.gethostname()}, has no address: put it into /etc/hosts"
        ) from error


def free_ports(count: int) -> list[int]:
    """Return free ports below those that the kernel gives to outgoing connections."""
    first, last = 10_000, 16_000
    # processes that look at the same moment begin at different places
    begin = os.getpid() * 16 % (last - first)
    found: list[int] = []
    with ExitStack() as stack:
        for step in range(last - first):
            port = first + (begin + step) % (last - first)
            try:
                stack.enter_context(socket.socket()).bind(("", port))
            except OSError:
                continue
            found.append(port)
            if len(found) == count:
                return found
    raise OSError("no free ports between 10000 and 16000")
