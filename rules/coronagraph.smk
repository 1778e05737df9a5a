"""Roman coronagraph frames: Level 1 to Level 2a, Level 2b and combined datasets.

Inputs: Level-1 frames of the datasets in `coronagraph.datasets`, references of `coronagraph.references`.
Products, below <results>/coronagraph: make-noise-maps/noise_maps.fits, make-bad-pixel-map/bad_pixels.fits,
make-dark/<setting>.fits, calibrate-frame/<frame>_L2a.fits and _L2b.fits, combine/<group>_mean.fits and _median.fits,
count-photons/<group>_photons.fits, plot/<product>.png, peer-view/.
Grain: one frame. Heavy steps, on ranks: make-noise-maps, combine, count-photons.
"""

from levelworks.coronagraph.layout import Layout
from levelworks.coronagraph.plan import plan_campaign

try:
    CORONAGRAPH = Layout(plan_campaign(CONFIG.coronagraph), RESULTS)
except LevelworksError as error:
    raise WorkflowError(str(error)) from None

CAMPAIGN_GRANULES["coronagraph"] = CORONAGRAPH.granules()


wildcard_constraints:
    frame=r"[A-Za-z0-9][A-Za-z0-9_+-]*",
    setting=r"gain[0-9pem]+_[0-9pem]+s",
    group=r"[A-Za-z0-9_-]+",
    stage=r"[a-z-]+",
    name=r"[A-Za-z0-9_+-]+",


rule make_noise_maps:
    input:
        unpack(CORONAGRAPH.noise_map_inputs),
    output:
        noise_maps=CORONAGRAPH.noise_maps,
    log:
        log_file("coronagraph", "make-noise-maps", "noise_maps"),
    benchmark:
        benchmark_file("coronagraph", "make-noise-maps", "noise_maps")
    threads: 2
    resources:
        mem_mb=grown(3000),
        runtime=grown(240, 1.5),
        mpi="mpiexec",
        tasks=lambda wildcards, threads: threads,
    params:
        frames=lambda wildcards, input: listed(input.frames),
        options=options("coronagraph", "make-noise-maps"),
        version=version("coronagraph", "make-noise-maps"),
    shell:
        command("coronagraph", "make-noise-maps", ["noise_maps"], ranks=True)


rule make_bad_pixel_map:
    input:
        unpack(CORONAGRAPH.bad_pixel_inputs),
    output:
        bad_pixels=CORONAGRAPH.bad_pixels,
    log:
        log_file("coronagraph", "make-bad-pixel-map", "bad_pixels"),
    benchmark:
        benchmark_file("coronagraph", "make-bad-pixel-map", "bad_pixels")
    threads: 1
    resources:
        mem_mb=grown(1000),
        runtime=grown(10, 1.5),
    params:
        options=options("coronagraph", "make-bad-pixel-map"),
        version=version("coronagraph", "make-bad-pixel-map"),
    shell:
        command("coronagraph", "make-bad-pixel-map", ["bad_pixels"])


rule make_dark:
    input:
        unpack(CORONAGRAPH.dark_inputs),
    output:
        dark=CORONAGRAPH.dark,
    log:
        log_file("coronagraph", "make-dark", "{setting}"),
    benchmark:
        benchmark_file("coronagraph", "make-dark", "{setting}")
    threads: 1
    resources:
        mem_mb=grown(1000),
        runtime=grown(10, 1.5),
    params:
        options=lambda wildcards: options(
            "coronagraph", "make-dark", **CORONAGRAPH.plan.inventory.settings[wildcards.setting].as_options
        ),
        version=version("coronagraph", "make-dark"),
    shell:
        command("coronagraph", "make-dark", ["dark"])


rule calibrate_frame:
    input:
        unpack(CORONAGRAPH.frame_inputs),
    output:
        **CORONAGRAPH.frame_outputs,
    log:
        log_file("coronagraph", "calibrate-frame", "{frame}"),
    benchmark:
        benchmark_file("coronagraph", "calibrate-frame", "{frame}")
    threads: 1
    resources:
        mem_mb=grown(800),
        runtime=grown(10, 1.5),
        expected_seconds=1,
    params:
        options=options("coronagraph", "calibrate-frame"),
        version=version("coronagraph", "calibrate-frame"),
    shell:
        command("coronagraph", "calibrate-frame", CORONAGRAPH.frame_outputs)


rule combine:
    input:
        unpack(CORONAGRAPH.combine_inputs),
    output:
        **CORONAGRAPH.group_outputs,
    log:
        log_file("coronagraph", "combine", "{group}"),
    benchmark:
        benchmark_file("coronagraph", "combine", "{group}")
    threads: 2
    resources:
        mem_mb=grown(3000),
        runtime=grown(60, 1.5),
        mpi="mpiexec",
        tasks=lambda wildcards, threads: threads,
    params:
        frames=lambda wildcards, input: listed(input.frames),
        options=options("coronagraph", "combine"),
        version=version("coronagraph", "combine"),
    shell:
        command("coronagraph", "combine", CORONAGRAPH.group_outputs, ranks=True)


rule count_photons:
    input:
        unpack(CORONAGRAPH.counting_inputs),
    output:
        photons=CORONAGRAPH.photons,
    log:
        log_file("coronagraph", "count-photons", "{group}"),
    benchmark:
        benchmark_file("coronagraph", "count-photons", "{group}")
    threads: 2
    resources:
        mem_mb=grown(2000),
        runtime=grown(60, 1.5),
        mpi="mpiexec",
        tasks=lambda wildcards, threads: threads,
    params:
        frames=lambda wildcards, input: listed(input.frames),
        options=lambda wildcards: options("coronagraph", "count-photons", **CORONAGRAPH.counting_options(wildcards)),
        version=version("coronagraph", "count-photons"),
    shell:
        command("coronagraph", "count-photons", ["photons"], ranks=True)


rule plot:
    input:
        product=CORONAGRAPH.product("{stage}", "{name}.fits"),
    output:
        picture=CORONAGRAPH.product("plot", "{stage}/{name}.png"),
    log:
        log_file("coronagraph", "plot", "{stage}/{name}"),
    benchmark:
        benchmark_file("coronagraph", "plot", "{stage}/{name}")
    threads: 1
    resources:
        mem_mb=grown(1500),
        runtime=grown(10, 1.5),
        expected_seconds=3,
    params:
        options=options("coronagraph", "plot"),
        version=version("coronagraph", "plot"),
    shell:
        command("coronagraph", "plot", ["picture"])


if CORONAGRAPH.peer_links:

    # Links carry the names that the peer's code writes; its documentation's names are the files.
    rule link_peer_names:
        input:
            **CORONAGRAPH.peer_files,
        output:
            **CORONAGRAPH.peer_links,
        log:
            log_file("coronagraph", "link-peer-names", "{group}"),
        localrule: True
        threads: 1
        shell:
            "for file in {input:q}; do"
            ' name=$(basename "$file"); code="${{name#{wildcards.group}_}}";'
            ' ln -sf "../$name" "$(dirname "$file")/{wildcards.group}/${{code/_bmap/_bpmap}}";'
            " done > {log:q} 2>&1"


rule coronagraph:
    input:
        CORONAGRAPH.targets(),
        outcomes_table("coronagraph") if CORONAGRAPH.plan.calibrated else [],
