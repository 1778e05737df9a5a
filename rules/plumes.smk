"""Hyperspectral radiance of EMIT, EnMAP and PRISMA: gas enhancements, plumes and emission rates.

Inputs: granules of `plumes.granules`, with EMIT's observations and masks beside them; winds of `plumes.era5` and
`plumes.geos-fp`; people's files: markers, rejected plumes, edits, sites, control points.
Products, below <results>/plumes: absorption/<granule>.nc, retrieve/<granule>.nc, mask-plumes/<granule>.nc,
retrieve-again/<granule>.nc, denoise/<granule>.nc, wind/<granule>.nc, detect-plumes/<granule>.nc and .geojson,
orthorectify/<scene>.nc (with <scene>/, <scene>_unortho.nc and <scene>_rgb.tif where asked for), quantify/<scene>/,
reprocess-plumes/<scene>/, revisit/, plot-scene/<scene>/, plot-plume/<scene>/, map-scenes/<folder>/.
Grain: one granule, whose Level-2 name is <scene>. Heavy steps, on ranks: retrieve, retrieve-again.
"""

from levelworks.plumes.layout import Layout as PlumesLayout
from levelworks.plumes.plan import plan_campaign as plan_plumes

try:
    PLUMES = PlumesLayout(plan_plumes(CONFIG.plumes), RESULTS)
except LevelworksError as error:
    raise WorkflowError(str(error)) from None

CAMPAIGN_GRANULES["plumes"] = PLUMES.granules()


wildcard_constraints:
    scene=r"[A-Za-z0-9][A-Za-z0-9_+-]*",
    folder=r"[A-Za-z0-9_+-]+",


rule absorption:
    input:
        unpack(PLUMES.absorption_inputs),
    output:
        absorption=PLUMES.absorption,
    log:
        log_file("plumes", "absorption", "{granule}"),
    benchmark:
        benchmark_file("plumes", "absorption", "{granule}")
    threads: 1
    resources:
        mem_mb=grown(1000),
        runtime=grown(10, 1.5),
        expected_seconds=2,
    params:
        options=options("plumes", "absorption", gases=CONFIG.plumes.gases),
        version=version("plumes", "absorption"),
    shell:
        command("plumes", "absorption", ["absorption"])


rule retrieve:
    input:
        unpack(PLUMES.retrieval_inputs),
    output:
        enhancement=PLUMES.first,
    log:
        log_file("plumes", "retrieve", "{granule}"),
    benchmark:
        benchmark_file("plumes", "retrieve", "{granule}")
    threads: 2
    resources:
        mem_mb=grown(3000),
        runtime=grown(30, 1.5),
        mpi="mpiexec",
        tasks=lambda wildcards, threads: threads,
    params:
        options=options("plumes", "retrieve", **PLUMES.first_options),
        version=version("plumes", "retrieve"),
    shell:
        command("plumes", "retrieve", ["enhancement"], ranks=True)


rule mask_plumes:
    input:
        unpack(PLUMES.mask_inputs),
    output:
        excluded=PLUMES.excluded,
    log:
        log_file("plumes", "mask-plumes", "{granule}"),
    benchmark:
        benchmark_file("plumes", "mask-plumes", "{granule}")
    threads: 1
    resources:
        mem_mb=grown(1500),
        runtime=grown(10, 1.5),
        expected_seconds=3,
    params:
        options=options("plumes", "mask-plumes"),
        version=version("plumes", "mask-plumes"),
    shell:
        command("plumes", "mask-plumes", ["excluded"])


rule retrieve_again:
    input:
        unpack(PLUMES.second_inputs),
    output:
        enhancement=PLUMES.second,
    log:
        log_file("plumes", "retrieve-again", "{granule}"),
    benchmark:
        benchmark_file("plumes", "retrieve-again", "{granule}")
    threads: 2
    resources:
        mem_mb=grown(3000),
        runtime=grown(30, 1.5),
        mpi="mpiexec",
        tasks=lambda wildcards, threads: threads,
    params:
        options=options("plumes", "retrieve-again", **PLUMES.second_options),
        version=version("plumes", "retrieve-again"),
    shell:
        command("plumes", "retrieve-again", ["enhancement"], ranks=True)


rule denoise:
    input:
        retrieval=PLUMES.enhancement,
    output:
        denoised=PLUMES.denoised,
    log:
        log_file("plumes", "denoise", "{granule}"),
    benchmark:
        benchmark_file("plumes", "denoise", "{granule}")
    threads: 1
    resources:
        mem_mb=grown(1500),
        runtime=grown(10, 1.5),
        expected_seconds=5,
    params:
        options=options("plumes", "denoise"),
        version=version("plumes", "denoise"),
    shell:
        command("plumes", "denoise", ["denoised"])


rule wind:
    input:
        unpack(PLUMES.wind_inputs),
    output:
        wind=PLUMES.wind,
    log:
        log_file("plumes", "wind", "{granule}"),
    benchmark:
        benchmark_file("plumes", "wind", "{granule}")
    threads: 1
    resources:
        mem_mb=grown(1000),
        runtime=grown(10, 1.5),
        expected_seconds=1,
    params:
        era5=lambda wildcards, input: listed(input.era5),
        geos_fp=lambda wildcards, input: listed(input.geos_fp),
        options=options("plumes", "wind"),
        version=version("plumes", "wind"),
    shell:
        command("plumes", "wind", ["wind"])


rule detect_plumes:
    input:
        unpack(PLUMES.detection_inputs),
    output:
        labels=PLUMES.labels,
        plumes=PLUMES.plumes,
    log:
        log_file("plumes", "detect-plumes", "{granule}"),
    benchmark:
        benchmark_file("plumes", "detect-plumes", "{granule}")
    threads: 1
    resources:
        mem_mb=grown(2000),
        runtime=grown(20, 1.5),
        expected_seconds=5,
    params:
        options=options("plumes", "detect-plumes"),
        version=version("plumes", "detect-plumes"),
    shell:
        command("plumes", "detect-plumes", ["labels", "plumes"])


rule orthorectify:
    input:
        unpack(PLUMES.level2_inputs),
    output:
        **PLUMES.level2_files,
    log:
        log_file("plumes", "orthorectify", "{scene}"),
    benchmark:
        benchmark_file("plumes", "orthorectify", "{scene}")
    threads: 1
    resources:
        mem_mb=grown(3000),
        runtime=grown(20, 1.5),
        expected_seconds=10,
    params:
        cogs=PLUMES.cogs,
        options=options("plumes", "orthorectify"),
        version=version("plumes", "orthorectify"),
    shell:
        command("plumes", "orthorectify", PLUMES.level2_outputs, folders=["cogs"])


rule calibrate_wind:
    output:
        table=PLUMES.effective_winds,
    log:
        log_file("plumes", "calibrate-wind", "effective_winds"),
    benchmark:
        benchmark_file("plumes", "calibrate-wind", "effective_winds")
    threads: 1
    resources:
        mem_mb=grown(1000),
        runtime=grown(120, 1.5),
    params:
        options=options("plumes", "calibrate-wind"),
        version=version("plumes", "calibrate-wind"),
    shell:
        command("plumes", "calibrate-wind", ["table"])


rule quantify:
    input:
        unpack(PLUMES.quantify_inputs),
    output:
        record=PLUMES.record_of(PLUMES.quantified),
    log:
        log_file("plumes", "quantify", "{scene}"),
    benchmark:
        benchmark_file("plumes", "quantify", "{scene}")
    threads: 1
    resources:
        mem_mb=grown(2000),
        runtime=grown(20, 1.5),
        expected_seconds=5,
    params:
        emissions=PLUMES.quantified,
        options=lambda wildcards: options("plumes", "quantify", scene=wildcards.scene),
        version=version("plumes", "quantify"),
    shell:
        command("plumes", "quantify", ["emissions"], folders=["emissions"])


rule reprocess_plumes:
    input:
        unpack(PLUMES.reprocess_inputs),
    output:
        record=PLUMES.record_of(PLUMES.reprocessed),
    log:
        log_file("plumes", "reprocess-plumes", "{scene}"),
    benchmark:
        benchmark_file("plumes", "reprocess-plumes", "{scene}")
    threads: 1
    resources:
        mem_mb=grown(2000),
        runtime=grown(20, 1.5),
        expected_seconds=3,
    params:
        emissions=PLUMES.reprocessed,
        options=options("plumes", "reprocess-plumes"),
        version=version("plumes", "reprocess-plumes"),
    shell:
        command("plumes", "reprocess-plumes", ["emissions"], folders=["emissions"])


rule plot_scene:
    input:
        unpack(PLUMES.scene_picture_inputs),
    output:
        record=PLUMES.record_of(PLUMES.scene_pictures),
    log:
        log_file("plumes", "plot-scene", "{scene}"),
    benchmark:
        benchmark_file("plumes", "plot-scene", "{scene}")
    threads: 1
    resources:
        mem_mb=grown(3000),
        runtime=grown(20, 1.5),
        expected_seconds=20,
    params:
        pictures=PLUMES.scene_pictures,
        options=options("plumes", "plot-scene"),
        version=version("plumes", "plot-scene"),
    shell:
        command("plumes", "plot-scene", ["pictures"], folders=["pictures"])


rule plot_plume:
    input:
        unpack(PLUMES.plume_picture_inputs),
    output:
        record=PLUMES.record_of(PLUMES.plume_pictures),
    log:
        log_file("plumes", "plot-plume", "{scene}"),
    benchmark:
        benchmark_file("plumes", "plot-plume", "{scene}")
    threads: 1
    resources:
        mem_mb=grown(2000),
        runtime=grown(20, 1.5),
        expected_seconds=5,
    params:
        pictures=PLUMES.plume_pictures,
        options=options("plumes", "plot-plume"),
        version=version("plumes", "plot-plume"),
    shell:
        command("plumes", "plot-plume", ["pictures"], folders=["pictures"])


rule map_scenes:
    input:
        scenes=PLUMES.folder_inputs,
    output:
        record=PLUMES.record_of(PLUMES.folder_pages),
    log:
        log_file("plumes", "map-scenes", "{folder}"),
    benchmark:
        benchmark_file("plumes", "map-scenes", "{folder}")
    threads: 1
    resources:
        mem_mb=grown(1000),
        runtime=grown(10, 1.5),
        expected_seconds=2,
    params:
        scenes=lambda wildcards, input: listed(input.scenes),
        pages=PLUMES.folder_pages,
        options=lambda wildcards: options("plumes", "map-scenes", **PLUMES.page_options(wildcards)),
        version=version("plumes", "map-scenes"),
    shell:
        command("plumes", "map-scenes", ["pages"], folders=["pages"])


rule revisit:
    input:
        emissions=PLUMES.all_emission_records(),
        sites=CONFIG.plumes.sites or [],
    output:
        table=PLUMES.revisits,
        picture=PLUMES.revisit_picture,
    log:
        log_file("plumes", "revisit", "sites"),
    benchmark:
        benchmark_file("plumes", "revisit", "sites")
    threads: 1
    resources:
        mem_mb=grown(1000),
        runtime=grown(10, 1.5),
        expected_seconds=3,
    params:
        emissions=lambda wildcards, input: listed(input.emissions),
        options=options("plumes", "revisit", **PLUMES.revisit_options),
        version=version("plumes", "revisit"),
    shell:
        command("plumes", "revisit", ["table", "picture"])


rule plumes:
    input:
        PLUMES.targets(),
        outcomes_table("plumes") if PLUMES.plan.granules else [],
