"""The executor's settings, each an option ``--jobarray-…`` of Snakemake and a key of a profile."""

# Snakemake reads the types of the fields at run time: annotations stay evaluated here.

from dataclasses import dataclass, field
from typing import Any, Optional

from snakemake_interface_executor_plugins.settings import CommonSettings, ExecutorSettingsBase

BACKENDS = ("slurm", "lsf", "local")

common_settings = CommonSettings(
    non_local_exec=True,
    implies_no_shared_fs=False,
    job_deploy_sources=False,
    pass_envvar_declarations_to_cmd=True,
    auto_deploy_default_storage_provider=False,
)


def _setting(default: Any, text: str, **more: Any) -> Any:
    return field(default=default, metadata={"help": text, "required": False, **more})


@dataclass
class ExecutorSettings(ExecutorSettingsBase):
    """What a profile says about scheduler, arrays, bundles, patience and caps."""

    backend: str = _setting("local", f"Scheduler: {', '.join(BACKENDS)}.", choices=list(BACKENDS))
    bundle: int = _setting(
        0,
        "Jobs that one array element runs one after another. 0: so many as fill the target duration, judged by"
        " benchmark files and by what has ended in this run. A rule's resource jobarray_bundle overrides it.",
    )
    target_duration: int = _setting(120, "Seconds that an array element should last where bundle is 0.")
    array_size: int = _setting(1000, "Largest array; the scheduler's own limit is respected in any case.")
    throttle: int = _setting(0, "Elements of one array that may run at once (the scheduler's %%k). 0: no limit.")
    gather: float = _setting(1.0, "Seconds to wait for further ready jobs before an array is submitted.", type=float)
    query_interval: float = _setting(
        30.0, "Seconds between two queries of the scheduler; status files are read more often.", type=float
    )
    lost_after: float = _setting(
        120.0, "Seconds that the scheduler must deny knowing a job before it counts as lost.", type=float
    )
    max_mem_mb: int = _setting(0, "Memory in MB up to which retries grow. 0: no cap.")
    max_runtime: int = _setting(0, "Run time in minutes up to which retries and bundles grow. 0: no cap.")
    memory_growth: float = _setting(2.0, "Factor of the memory after a job was killed for it.", type=float)
    runtime_growth: float = _setting(1.5, "Factor of the run time after a job was killed for it.", type=float)
    transient_delay: float = _setting(
        60.0, "Seconds before the first retry after exit code 75; doubles with each further one.", type=float
    )
    disruptions: int = _setting(
        5, "How often a job is submitted again after a node failure, a pre-emption or a loss, beside its retries."
    )
    requeue: bool = _setting(False, "Let the scheduler requeue elements by itself after node failure and pre-emption.")
    slots: int = _setting(0, "Cores of this machine that the back end local uses. 0: those of --cores, or all.")
    account: Optional[str] = _setting(None, "Account or project, unless a rule's resources name one.")
    partition: Optional[str] = _setting(None, "Partition or queue, unless a rule's resources name one.")
    extra: Optional[str] = _setting(None, "Further arguments for every sbatch or bsub.")
    lsf_memory: str = _setting(
        "slot",
        "What LSF's rusage[mem] counts for at this site: each slot, or the whole job.",
        choices=["slot", "job"],
    )
    lsf_memory_unit: str = _setting(
        "MB", "Unit of LSF's memory limits at this site (LSF_UNIT_FOR_LIMITS).", choices=["KB", "MB", "GB"]
    )
