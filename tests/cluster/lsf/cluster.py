"""The configuration files of the emulated cluster, and the commands that show it."""

from __future__ import annotations

from .batch import Batch
from .events import CLUSTER
from .options import BadOption
from .reply import Reply
from .store import Store

VERSION = "IBM Spectrum LSF Standard 10.1.0.14 (emulated)\n"


def write_configuration(store: Store) -> None:
    """Write the files that clients read under LSF_CONFDIR."""
    confdir = store.folder / "conf"
    params = confdir / "lsbatch" / CLUSTER / "configdir" / "lsb.params"
    params.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{name} = {value}" for name, value in _parameters(store).items()]
    params.write_text("\n".join(["Begin Parameters", *lines, "End Parameters"]) + "\n")
    (confdir / "lsf.conf").write_text("".join(f"{name}={value}\n" for name, value in _settings(store).items()))


def answer(command: str, words: list[str], store: Store, batch: Batch) -> Reply:
    """Answer a command that shows the cluster."""
    knobs = store.knobs
    match command:
        case "lsid":
            return Reply(f"{VERSION}\nMy cluster name is {CLUSTER}\nMy master name is {knobs['hosts'][0]}\n")
        case "lsclusters":
            hosts = len(knobs["hosts"])
            return Reply(
                "CLUSTER_NAME   STATUS   MASTER_HOST               ADMIN    HOSTS  SERVERS\n"
                f"{CLUSTER:<14} ok       {knobs['hosts'][0]:<25} {store.user:<8} {hosts:<6} {hosts}\n"
            )
        case "badmin" if words[:2] == ["showconf", "mbd"]:
            shown = "".join(f"\t{name} = {value}\n" for name, value in _settings(store).items())
            return Reply(f"MBD configuration at {CLUSTER}:\n{shown}")
        case "bparams":
            return Reply("".join(f"        {name} = {value}\n" for name, value in _parameters(store).items()))
        case "bqueues":
            return _queues(store, [word for word in words if not word.startswith("-")])
        case "bhosts":
            return _hosts(store, batch)
    raise BadOption(f"illegal option -- {' '.join(words)}")


def _settings(store: Store) -> dict[str, object]:
    return {
        "LSF_CONFDIR": store.folder / "conf",
        "LSB_SHAREDIR": store.folder / "share",
        "LSF_SERVER_HOSTS": '"' + " ".join(store.knobs["hosts"]) + '"',
        "LSF_UNIT_FOR_LIMITS": store.knobs["unit_for_limits"],
        "LSB_JOB_MEMLIMIT": "Y" if store.knobs["memory_limit_per"] == "job" else "N",
        "LSB_MEMLIMIT_ENFORCE": "Y",
        "LSB_STDOUT_DIRECT": "Y",
    }


def _parameters(store: Store) -> dict[str, object]:
    knobs = store.knobs
    return {
        "DEFAULT_QUEUE": knobs["default_queue"],
        "MAX_JOB_ARRAY_SIZE": knobs["max_job_array_size"],
        "CLEAN_PERIOD": f"{knobs['clean_period']:g}",
        "RESOURCE_RESERVE_PER_TASK": "Y" if knobs["reserve_per"] == "slot" else "N",
    }


def _queues(store: Store, names: list[str]) -> Reply:
    lines = ["QUEUE_NAME      PRIO STATUS          MAX JL/U JL/P JL/H NJOBS  PEND   RUN  SUSP "]
    for name in names or store.knobs["queues"]:
        if name not in store.knobs["queues"]:
            return Reply(err=f"{name}: No such queue\n", code=255)
        states = [job.state for job in store.active if job.submission.queue == name]
        pending, running = states.count("PEND"), states.count("RUN")
        rest = len(states) - pending - running
        lines.append(
            f"{name:<15} {30:>4} Open:Active       -    -    -    - "
            f"{len(states):>5} {pending:>5} {running:>5} {rest:>5} "
        )
    return Reply("\n".join(lines) + "\n")


def _hosts(store: Store, batch: Batch) -> Reply:
    lines = ["HOST_NAME          STATUS       JL/U    MAX  NJOBS    RUN  SSUSP  USUSP    RSV "]
    slots = store.knobs["slots"]
    for host in store.knobs["hosts"]:
        used = sum(job.hosts.get(host, 0) for job in batch.running)
        status = "unavail" if host in batch.hosts.down else "closed" if used >= slots else "ok"
        lines.append(f"{host:<18} {status:<14} - {slots:>6} {used:>6} {used:>6} {0:>6} {0:>6} {0:>6} ")
    return Reply("\n".join(lines) + "\n")
