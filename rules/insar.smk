"""Sentinel-1 frames from SLC to unwrapped, geocoded interferograms.

Inputs: definitions of frames (`insar.frames`), SAFE products, orbit files, elevation; a geoid, a mask of land, delays;
the catalogue of an archive (`insar.archive`), whose products of the frames are fetched: the one place that uses a
network.
Products, below <results>/insar: a folder a stage, in it one a frame (`{track}`), in it dates, pairs or batches of dates;
publish/<frame>/ is the tree that readers of LiCSAR's products take.
Grain: a date, then a pair. Heavy steps, on ranks: coregister, verify-coregistration, form-interferogram.
"""

from levelworks.insar.layout import Layout as InsarLayout
from levelworks.insar.plan import plan_campaign as plan_insar
from snakemake.logging import logger

try:
    INSAR = InsarLayout(plan_insar(CONFIG.insar, RESULTS), RESULTS, ancient)
except LevelworksError as error:
    raise WorkflowError(str(error)) from None

for note in INSAR.notes():
    logger.warning(note)

CAMPAIGN_GRANULES["insar"] = INSAR.granules()


wildcard_constraints:
    track=r"\d{3}[AD]_\d{5}_\d{6}",
    date=r"\d{8}",
    pair=r"\d{8}_\d{8}",
    batch=r"\d{3}",
    month=r"\d{6}",
    slc=r"S1[A-Z]_IW_SLC__[0-9A-Z_]+",


# Catalogues grow and services change: what was fetched from them stays.
ARCHIVE = CONFIG.insar.archive.catalogue and {
    "catalogue": ancient(str(CONFIG.insar.archive.catalogue)),
    "archive": ancient(settings("insar-archive", CONFIG.insar.archive)),
}


rule request_products:
    input:
        **(ARCHIVE or {}),
    output:
        record=INSAR.record_of(INSAR.requests),
    log:
        log_file("insar", "request-products", "{track}/{month}"),
    benchmark:
        benchmark_file("insar", "request-products", "{track}/{month}")
    localrule: CONFIG.insar.archive.local
    threads: 1
    resources:
        mem_mb=grown(500),
        runtime=grown(60, 1.5),
        expected_seconds=10,
    params:
        requests=INSAR.requests,
        options=lambda wildcards: options("insar", "request-products", **INSAR.request_options(wildcards)),
        version=version("insar", "request-products"),
    shell:
        command("insar", "request-products", ["requests"], folders=["requests"])


rule fetch_product:
    input:
        **(ARCHIVE or {}),
        requests=lambda wildcards: ancient(INSAR.requested(wildcards)),
    output:
        product=INSAR.fetched,
    log:
        log_file("insar", "fetch-product", "{slc}"),
    benchmark:
        benchmark_file("insar", "fetch-product", "{slc}")
    localrule: CONFIG.insar.archive.local
    threads: 1
    resources:
        mem_mb=grown(500),
        runtime=grown(240 + int(CONFIG.insar.archive.patience / 60), 1.5),
        expected_seconds=600,
        downloads=1,
    params:
        options=lambda wildcards: options("insar", "fetch-product", id=wildcards.slc),
        version=version("insar", "fetch-product"),
    shell:
        command("insar", "fetch-product", ["product"])


rule define_frame:
    input:
        unpack(INSAR.define_inputs),
    output:
        frame=INSAR.definition,
    log:
        log_file("insar", "define-frame", "{name}"),
    benchmark:
        benchmark_file("insar", "define-frame", "{name}")
    threads: 1
    resources:
        mem_mb=grown(800),
        runtime=grown(10, 1.5),
        expected_seconds=2,
    params:
        products=lambda wildcards, input: listed(input.products),
        options=options("insar", "define-frame"),
        version=version("insar", "define-frame"),
    shell:
        command("insar", "define-frame", ["frame"])


rule parse_safe:
    input:
        unpack(INSAR.parse_inputs),
    output:
        acquisition=INSAR.acquisition,
    log:
        log_file("insar", "parse-safe", "{track}/{date}"),
    benchmark:
        benchmark_file("insar", "parse-safe", "{track}/{date}")
    threads: 1
    resources:
        mem_mb=grown(800),
        runtime=grown(20, 1.5),
        expected_seconds=3,
    params:
        products=lambda wildcards, input: listed(input.products),
        orbits=lambda wildcards, input: listed(input.orbits),
        options=options("insar", "parse-safe"),
        version=version("insar", "parse-safe"),
    shell:
        command("insar", "parse-safe", ["acquisition"])


rule prepare_dem:
    input:
        unpack(INSAR.dem_inputs),
    output:
        heights=INSAR.heights,
    log:
        log_file("insar", "prepare-dem", "{track}"),
    benchmark:
        benchmark_file("insar", "prepare-dem", "{track}")
    threads: 1
    resources:
        mem_mb=grown(3000),
        runtime=grown(30, 1.5),
        expected_seconds=20,
    params:
        options=options("insar", "prepare-dem"),
        version=version("insar", "prepare-dem"),
    shell:
        command("insar", "prepare-dem", ["heights"])


rule reference_geometry:
    input:
        unpack(INSAR.geometry_inputs),
    output:
        geometry=INSAR.geometry,
    log:
        log_file("insar", "reference-geometry", "{track}"),
    benchmark:
        benchmark_file("insar", "reference-geometry", "{track}")
    threads: 2
    resources:
        mem_mb=grown(3000),
        runtime=grown(60, 1.5),
        mpi="mpiexec",
        tasks=lambda wildcards, threads: threads,
    params:
        options=options("insar", "reference-geometry"),
        version=version("insar", "reference-geometry"),
    shell:
        command("insar", "reference-geometry", ["geometry"], ranks=True)


rule geocode_geometry:
    input:
        unpack(INSAR.lookup_inputs),
    output:
        record=INSAR.record_of(INSAR.lookup),
    log:
        log_file("insar", "geocode-geometry", "{track}"),
    benchmark:
        benchmark_file("insar", "geocode-geometry", "{track}")
    threads: 2
    resources:
        mem_mb=grown(4000),
        runtime=grown(60, 1.5),
        mpi="mpiexec",
        tasks=lambda wildcards, threads: threads,
    params:
        folder=INSAR.lookup,
        options=options("insar", "geocode-geometry"),
        version=version("insar", "geocode-geometry"),
    shell:
        command("insar", "geocode-geometry", ["folder"], folders=["folder"], ranks=True)


rule correlate_amplitudes:
    input:
        unpack(INSAR.offset_inputs),
    output:
        offset=INSAR.offset,
    log:
        log_file("insar", "correlate-amplitudes", "{track}/{date}"),
    benchmark:
        benchmark_file("insar", "correlate-amplitudes", "{track}/{date}")
    threads: 2
    resources:
        mem_mb=grown(3000),
        runtime=grown(60, 1.5),
        mpi="mpiexec",
        tasks=lambda wildcards, threads: threads,
    params:
        options=options("insar", "correlate-amplitudes"),
        version=version("insar", "correlate-amplitudes"),
    shell:
        command("insar", "correlate-amplitudes", ["offset"], ranks=True)


rule estimate_diversity:
    input:
        unpack(INSAR.shift_inputs),
    output:
        shift=INSAR.shift,
    log:
        log_file("insar", "estimate-diversity", "{track}/{pair}"),
    benchmark:
        benchmark_file("insar", "estimate-diversity", "{track}/{pair}")
    threads: 2
    resources:
        mem_mb=grown(3000),
        runtime=grown(60, 1.5),
        mpi="mpiexec",
        tasks=lambda wildcards, threads: threads,
    params:
        options=options("insar", "estimate-diversity"),
        version=version("insar", "estimate-diversity"),
    shell:
        command("insar", "estimate-diversity", ["shift"], ranks=True)


rule solve_network:
    input:
        unpack(INSAR.network_inputs),
    output:
        network=INSAR.network,
    log:
        log_file("insar", "solve-network", "{track}/{batch}"),
    benchmark:
        benchmark_file("insar", "solve-network", "{track}/{batch}")
    wildcard_constraints:
        batch=INSAR.new_batches(),
    threads: 1
    resources:
        mem_mb=grown(800),
        runtime=grown(20, 1.5),
        expected_seconds=2,
    params:
        shifts=lambda wildcards, input: listed(input.shifts),
        offsets=lambda wildcards, input: listed(input.offsets),
        previous=lambda wildcards, input: listed(input.previous),
        options=lambda wildcards: options("insar", "solve-network", **INSAR.network_options(wildcards)),
        version=version("insar", "solve-network"),
    shell:
        command("insar", "solve-network", ["network"])


rule coregister:
    input:
        unpack(INSAR.burst_inputs),
    output:
        record=INSAR.record_of(INSAR.bursts),
        mark=touch(INSAR.mark_of(INSAR.bursts)),
    log:
        log_file("insar", "coregister", "{track}/{date}"),
    benchmark:
        benchmark_file("insar", "coregister", "{track}/{date}")
    threads: 2
    resources:
        mem_mb=grown(3000),
        runtime=grown(120, 1.5),
        mpi="mpiexec",
        tasks=lambda wildcards, threads: threads,
    params:
        folder=INSAR.bursts,
        options=options("insar", "coregister"),
        version=version("insar", "coregister"),
    shell:
        command("insar", "coregister", ["folder"], folders=["folder"], ranks=True)


rule verify_coregistration:
    input:
        unpack(INSAR.verification_inputs),
    output:
        residual=INSAR.residual,
    log:
        log_file("insar", "verify-coregistration", "{track}/{date}"),
    benchmark:
        benchmark_file("insar", "verify-coregistration", "{track}/{date}")
    threads: 2
    resources:
        mem_mb=grown(2000),
        runtime=grown(30, 1.5),
        mpi="mpiexec",
        tasks=lambda wildcards, threads: threads,
    params:
        against=lambda wildcards, input: listed(input.against),
        options=options("insar", "verify-coregistration", **INSAR.coherent_cells()),
        version=version("insar", "verify-coregistration"),
    shell:
        command("insar", "verify-coregistration", ["residual"], ranks=True)


rule form_interferogram:
    input:
        unpack(INSAR.interferogram_inputs),
    output:
        interferogram=INSAR.interferogram,
    log:
        log_file("insar", "form-interferogram", "{track}/{pair}"),
    benchmark:
        benchmark_file("insar", "form-interferogram", "{track}/{pair}")
    threads: 2
    resources:
        mem_mb=grown(3000),
        runtime=grown(60, 1.5),
        mpi="mpiexec",
        tasks=lambda wildcards, threads: threads,
    params:
        options=options("insar", "form-interferogram"),
        version=version("insar", "form-interferogram"),
    shell:
        command("insar", "form-interferogram", ["interferogram"], ranks=True)


rule estimate_azimuth_offsets:
    input:
        unpack(INSAR.offset_map_inputs),
    output:
        record=INSAR.record_of(INSAR.offset_map),
    log:
        log_file("insar", "estimate-azimuth-offsets", "{track}/{pair}"),
    benchmark:
        benchmark_file("insar", "estimate-azimuth-offsets", "{track}/{pair}")
    threads: 2
    resources:
        mem_mb=grown(3000),
        runtime=grown(180, 1.5),
        mpi="mpiexec",
        tasks=lambda wildcards, threads: threads,
    params:
        folder=INSAR.offset_map,
        options=options("insar", "estimate-azimuth-offsets"),
        version=version("insar", "estimate-azimuth-offsets"),
    shell:
        command("insar", "estimate-azimuth-offsets", ["folder"], folders=["folder"], ranks=True)


rule measure_along_track:
    input:
        unpack(INSAR.along_track_inputs),
    output:
        record=INSAR.record_of(INSAR.along_track),
    log:
        log_file("insar", "measure-along-track", "{track}/{pair}"),
    benchmark:
        benchmark_file("insar", "measure-along-track", "{track}/{pair}")
    threads: 2
    resources:
        mem_mb=grown(3000),
        runtime=grown(60, 1.5),
        mpi="mpiexec",
        tasks=lambda wildcards, threads: threads,
    params:
        folder=INSAR.along_track,
        options=options("insar", "measure-along-track"),
        version=version("insar", "measure-along-track"),
    shell:
        command("insar", "measure-along-track", ["folder"], folders=["folder"], ranks=True)


rule filter_phase:
    input:
        interferogram=INSAR.interferogram,
    output:
        filtered=INSAR.filtered,
    log:
        log_file("insar", "filter-phase", "{track}/{pair}"),
    benchmark:
        benchmark_file("insar", "filter-phase", "{track}/{pair}")
    threads: 1
    resources:
        mem_mb=grown(1500),
        runtime=grown(30, 1.5),
        expected_seconds=5,
    params:
        options=options("insar", "filter-phase"),
        version=version("insar", "filter-phase"),
    shell:
        command("insar", "filter-phase", ["filtered"])


rule unwrap:
    input:
        unpack(INSAR.unwrap_inputs),
    output:
        unwrapped=INSAR.unwrapped,
    log:
        log_file("insar", "unwrap", "{track}/{pair}"),
    benchmark:
        benchmark_file("insar", "unwrap", "{track}/{pair}")
    threads: 1
    resources:
        mem_mb=grown(3000),
        runtime=grown(120, 1.5),
        expected_seconds=20,
    params:
        options=options("insar", "unwrap"),
        version=version("insar", "unwrap"),
    shell:
        command("insar", "unwrap", ["unwrapped"])


rule check_closure:
    input:
        unpack(INSAR.closure_inputs),
    output:
        record=INSAR.record_of(INSAR.closure),
    log:
        log_file("insar", "check-closure", "{track}/{batch}"),
    benchmark:
        benchmark_file("insar", "check-closure", "{track}/{batch}")
    threads: 2
    resources:
        mem_mb=grown(4000),
        runtime=grown(120, 1.5),
        mpi="mpiexec",
        tasks=lambda wildcards, threads: threads,
    params:
        unwrapped=lambda wildcards, input: listed(input.unwrapped),
        folder=INSAR.closure,
        options=lambda wildcards: options("insar", "check-closure", pairs=INSAR.own_pairs(wildcards)),
        version=version("insar", "check-closure"),
    shell:
        command("insar", "check-closure", ["folder"], folders=["folder"], ranks=True)


rule geocode:
    input:
        unpack(INSAR.layer_inputs),
    output:
        record=INSAR.record_of(INSAR.layers),
    log:
        log_file("insar", "geocode", "{track}/{pair}"),
    benchmark:
        benchmark_file("insar", "geocode", "{track}/{pair}")
    threads: 1
    resources:
        mem_mb=grown(2000),
        runtime=grown(30, 1.5),
        expected_seconds=5,
    params:
        folder=INSAR.layers,
        options=options("insar", "geocode"),
        version=version("insar", "geocode"),
    shell:
        command("insar", "geocode", ["folder"], folders=["folder"])


rule geocode_epoch:
    input:
        unpack(INSAR.image_inputs),
    output:
        image=INSAR.image,
    log:
        log_file("insar", "geocode-epoch", "{track}/{date}"),
    benchmark:
        benchmark_file("insar", "geocode-epoch", "{track}/{date}")
    threads: 1
    resources:
        mem_mb=grown(1500),
        runtime=grown(30, 1.5),
        expected_seconds=3,
    params:
        options=options("insar", "geocode-epoch"),
        version=version("insar", "geocode-epoch"),
    shell:
        command("insar", "geocode-epoch", ["image"])


rule geocode_delay:
    input:
        unpack(INSAR.delay_inputs),
    output:
        delay=INSAR.delay,
    log:
        log_file("insar", "geocode-delay", "{track}/{date}"),
    benchmark:
        benchmark_file("insar", "geocode-delay", "{track}/{date}")
    threads: 1
    resources:
        mem_mb=grown(1000),
        runtime=grown(20, 1.5),
        expected_seconds=2,
    params:
        zenith=lambda wildcards, input: listed(input.zenith),
        options=options("insar", "geocode-delay"),
        version=version("insar", "geocode-delay"),
    shell:
        command("insar", "geocode-delay", ["delay"])


rule geocode_tide:
    input:
        unpack(INSAR.tide_inputs),
    output:
        tide=INSAR.tide,
    log:
        log_file("insar", "geocode-tide", "{track}/{date}"),
    benchmark:
        benchmark_file("insar", "geocode-tide", "{track}/{date}")
    threads: 1
    resources:
        mem_mb=grown(1000),
        runtime=grown(20, 1.5),
        expected_seconds=2,
    params:
        options=options("insar", "geocode-tide"),
        version=version("insar", "geocode-tide"),
    shell:
        command("insar", "geocode-tide", ["tide"])


rule correct_atmosphere:
    input:
        unpack(INSAR.correction_inputs),
    output:
        record=INSAR.record_of(INSAR.corrected),
    log:
        log_file("insar", "correct-atmosphere", "{track}/{pair}"),
    benchmark:
        benchmark_file("insar", "correct-atmosphere", "{track}/{pair}")
    threads: 1
    resources:
        mem_mb=grown(2000),
        runtime=grown(30, 1.5),
        expected_seconds=4,
    params:
        folder=INSAR.corrected,
        options=options("insar", "correct-atmosphere"),
        version=version("insar", "correct-atmosphere"),
    shell:
        command("insar", "correct-atmosphere", ["folder"], folders=["folder"])


rule plot_pair:
    input:
        geocoded=INSAR.record_of(INSAR.layers),
    output:
        record=INSAR.record_of(INSAR.pictures),
    log:
        log_file("insar", "plot-pair", "{track}/{pair}"),
    benchmark:
        benchmark_file("insar", "plot-pair", "{track}/{pair}")
    threads: 1
    resources:
        mem_mb=grown(1000),
        runtime=grown(20, 1.5),
        expected_seconds=4,
    params:
        pictures=INSAR.pictures,
        options=options("insar", "plot-pair"),
        version=version("insar", "plot-pair"),
    shell:
        command("insar", "plot-pair", ["pictures"], folders=["pictures"])


rule describe_frame:
    input:
        unpack(INSAR.metadata_inputs),
    output:
        record=INSAR.record_of(INSAR.metadata),
    log:
        log_file("insar", "describe-frame", "{track}"),
    benchmark:
        benchmark_file("insar", "describe-frame", "{track}")
    threads: 1
    resources:
        mem_mb=grown(1500),
        runtime=grown(30, 1.5),
        expected_seconds=5,
    params:
        acquisitions=lambda wildcards, input: listed(input.acquisitions),
        pairs=lambda wildcards, input: listed(input.pairs),
        closure=lambda wildcards, input: listed(input.closure),
        verified=lambda wildcards, input: listed(input.verified),
        metadata=INSAR.metadata,
        options=options("insar", "describe-frame"),
        version=version("insar", "describe-frame"),
    shell:
        command("insar", "describe-frame", ["metadata"], folders=["metadata"])


rule publish:
    input:
        unpack(INSAR.tree_inputs),
    output:
        record=INSAR.record_of(INSAR.tree),
    log:
        log_file("insar", "publish", "{track}"),
    benchmark:
        benchmark_file("insar", "publish", "{track}")
    threads: 1
    resources:
        mem_mb=grown(1000),
        runtime=grown(60, 1.5),
        expected_seconds=10,
    params:
        pairs=lambda wildcards, input: listed(input.pairs),
        pictures=lambda wildcards, input: listed(input.pictures),
        epochs=lambda wildcards, input: listed(input.epochs),
        closure=lambda wildcards, input: listed(input.closure),
        delays=lambda wildcards, input: listed(input.delays),
        tides=lambda wildcards, input: listed(input.tides),
        corrections=lambda wildcards, input: listed(input.corrections),
        offsets=lambda wildcards, input: listed(input.offsets),
        along_track=lambda wildcards, input: listed(input.along_track),
        tree=INSAR.tree,
        options=options("insar", "publish"),
        version=version("insar", "publish"),
    shell:
        command("insar", "publish", ["tree"], folders=["tree"])


rule validate_tree:
    input:
        tree=INSAR.record_of(INSAR.tree),
    output:
        report=INSAR.validation,
    log:
        log_file("insar", "validate-tree", "{track}"),
    benchmark:
        benchmark_file("insar", "validate-tree", "{track}")
    threads: 1
    resources:
        mem_mb=grown(1000),
        runtime=grown(30, 1.5),
        expected_seconds=5,
    params:
        options=options("insar", "validate-tree"),
        version=version("insar", "validate-tree"),
    shell:
        command("insar", "validate-tree", ["report"])


rule report_frame:
    input:
        unpack(INSAR.report_inputs),
    output:
        page=INSAR.page,
        table=INSAR.table,
    log:
        log_file("insar", "report-frame", "{track}"),
    benchmark:
        benchmark_file("insar", "report-frame", "{track}")
    threads: 1
    resources:
        mem_mb=grown(800),
        runtime=grown(20, 1.5),
        expected_seconds=3,
    params:
        acquisitions=lambda wildcards, input: listed(input.acquisitions),
        coregistered=lambda wildcards, input: listed(input.coregistered),
        verified=lambda wildcards, input: listed(input.verified),
        diversity=lambda wildcards, input: listed(input.diversity),
        interferograms=lambda wildcards, input: listed(input.interferograms),
        filtered=lambda wildcards, input: listed(input.filtered),
        unwrapped=lambda wildcards, input: listed(input.unwrapped),
        pairs=lambda wildcards, input: listed(input.pairs),
        closure=lambda wildcards, input: listed(input.closure),
        options=options("insar", "report-frame"),
        version=version("insar", "report-frame"),
    shell:
        command("insar", "report-frame", ["page", "table"])


rule insar:
    input:
        INSAR.targets(),
        outcomes_table("insar") if INSAR.plan.frames else [],
