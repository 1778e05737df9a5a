"""Landsat and Sentinel-2 Level 1 to a tiled cube of surface reflectance with quality bits.

Inputs: images of `ard.images` (folders, archives, manifests) and of FORCE's queue `ard.queue`; elevation of `ard.dem`,
water vapour and aerosol tables, an area of interest, base images for co-registration.
Products, below <results>/ard: process-image/<image>/ (reflectance and quality in the image's own grid),
tile-image/<image>/ (its tiles), merge-tile/<day>_<sensor>.json (the files of the cube, which stand in `ard.cube`),
mosaic/cube/, overview/cube/, report-level2/, build-water-vapour-table/tables/, tabulate-grid/, make-parameter-file/.
Grain: one image, then one day of one sensor. Heavy step, on ranks: process-image.
"""

from levelworks.ard.layout import Layout as ArdLayout
from levelworks.ard.plan import plan_campaign as plan_ard

try:
    ARD = ArdLayout(plan_ard(CONFIG.ard, RESULTS / "ard" / "process-image"), RESULTS)
except LevelworksError as error:
    raise WorkflowError(str(error)) from None

CAMPAIGN_GRANULES["ard"] = ARD.granules()


wildcard_constraints:
    image=r"[A-Za-z0-9][A-Za-z0-9_+-]*",
    acquisition=r"\d{8}_[A-Z0-9]+",


rule process_image:
    input:
        unpack(ARD.image_inputs),
    output:
        record=ARD.record_of(ARD.reflectance),
    log:
        log_file("ard", "process-image", "{image}"),
    benchmark:
        benchmark_file("ard", "process-image", "{image}")
    threads: 2
    resources:
        mem_mb=grown(3000),
        runtime=grown(60, 1.5),
        mpi="mpiexec",
        tasks=lambda wildcards, threads: threads,
    params:
        product=ARD.reflectance,
        options=options("ard", "process-image"),
        version=version("ard", "process-image"),
    shell:
        command("ard", "process-image", ["product"], folders=["product"], ranks=True)


rule tile_image:
    input:
        unpack(ARD.tile_inputs),
    output:
        record=ARD.record_of(ARD.tiles),
    log:
        log_file("ard", "tile-image", "{image}"),
    benchmark:
        benchmark_file("ard", "tile-image", "{image}")
    threads: 1
    resources:
        mem_mb=grown(1500),
        runtime=grown(30, 1.5),
        expected_seconds=10,
    params:
        tiles=ARD.tiles,
        options=options("ard", "tile-image"),
        version=version("ard", "tile-image"),
    shell:
        command("ard", "tile-image", ["tiles"], folders=["tiles"])


rule merge_tile:
    input:
        unpack(ARD.merge_inputs),
    output:
        merged=ARD.merged,
    log:
        log_file("ard", "merge-tile", "{acquisition}"),
    benchmark:
        benchmark_file("ard", "merge-tile", "{acquisition}")
    threads: 1
    resources:
        mem_mb=grown(1500),
        runtime=grown(30, 1.5),
        expected_seconds=5,
    params:
        tiles=lambda wildcards, input: listed(input.tiles),
        options=options("ard", "merge-tile", cube=str(ARD.cube)),
        version=version("ard", "merge-tile"),
    shell:
        command("ard", "merge-tile", ["merged"])


rule mosaic:
    input:
        merged=ARD.all_merged,
    output:
        record=ARD.record_of(ARD.mosaics),
    log:
        log_file("ard", "mosaic", "cube"),
    benchmark:
        benchmark_file("ard", "mosaic", "cube")
    threads: 1
    resources:
        mem_mb=grown(1000),
        runtime=grown(20, 1.5),
        expected_seconds=5,
    params:
        merged=lambda wildcards, input: listed(input.merged),
        mosaics=lambda wildcards: ARD.mosaics,
        options=options("ard", "mosaic"),
        version=version("ard", "mosaic"),
    shell:
        command("ard", "mosaic", ["mosaics"], folders=["mosaics"])


rule overview:
    input:
        mosaics=ARD.record_of(ARD.mosaics),
    output:
        record=ARD.record_of(ARD.overviews),
    log:
        log_file("ard", "overview", "cube"),
    benchmark:
        benchmark_file("ard", "overview", "cube")
    threads: 1
    resources:
        mem_mb=grown(1500),
        runtime=grown(30, 1.5),
        expected_seconds=5,
    params:
        overviews=lambda wildcards: ARD.overviews,
        options=options("ard", "overview"),
        version=version("ard", "overview"),
    shell:
        command("ard", "overview", ["overviews"], folders=["overviews"])


rule report_level2:
    input:
        images=ARD.all_images,
    output:
        page=ARD.page,
        table=ARD.table,
    log:
        log_file("ard", "report-level2", "report"),
    benchmark:
        benchmark_file("ard", "report-level2", "report")
    threads: 1
    resources:
        mem_mb=grown(800),
        runtime=grown(10, 1.5),
        expected_seconds=2,
    params:
        images=lambda wildcards, input: listed(input.images),
        options=options("ard", "report-level2"),
        version=version("ard", "report-level2"),
    shell:
        command("ard", "report-level2", ["page", "table"])


rule index_queue:
    input:
        unpack(ARD.queue_inputs),
    output:
        states=ARD.states,
    log:
        log_file("ard", "index-queue", "queue"),
    benchmark:
        benchmark_file("ard", "index-queue", "queue")
    threads: 1
    resources:
        mem_mb=grown(500),
        runtime=grown(10, 1.5),
        expected_seconds=1,
    params:
        images=lambda wildcards, input: listed(input.images),
        options=options("ard", "index-queue"),
        version=version("ard", "index-queue"),
    shell:
        command("ard", "index-queue", ["states"])


rule build_water_vapour_table:
    input:
        unpack(ARD.water_vapour_inputs),
    output:
        record=ARD.record_of(ARD.water_vapour),
    log:
        log_file("ard", "build-water-vapour-table", "tables"),
    benchmark:
        benchmark_file("ard", "build-water-vapour-table", "tables")
    threads: 1
    resources:
        mem_mb=grown(2000),
        runtime=grown(60, 1.5),
        expected_seconds=30,
    params:
        reanalysis=lambda wildcards, input: listed(input.reanalysis),
        tables=lambda wildcards: ARD.water_vapour,
        options=options("ard", "build-water-vapour-table"),
        version=version("ard", "build-water-vapour-table"),
    shell:
        command("ard", "build-water-vapour-table", ["tables"], folders=["tables"])


rule tabulate_grid:
    input:
        unpack(ARD.grid_inputs),
    output:
        grid=ARD.grid,
        table=ARD.grid_table,
    log:
        log_file("ard", "tabulate-grid", "grid"),
    benchmark:
        benchmark_file("ard", "tabulate-grid", "grid")
    threads: 1
    resources:
        mem_mb=grown(800),
        runtime=grown(10, 1.5),
        expected_seconds=2,
    params:
        options=options("ard", "tabulate-grid"),
        version=version("ard", "tabulate-grid"),
    shell:
        command("ard", "tabulate-grid", ["grid", "table"])


rule make_parameter_file:
    output:
        parameters=ARD.parameters,
    log:
        log_file("ard", "make-parameter-file", "level2"),
    benchmark:
        benchmark_file("ard", "make-parameter-file", "level2")
    threads: 1
    resources:
        mem_mb=grown(500),
        runtime=grown(10, 1.5),
        expected_seconds=1,
    params:
        options=options("ard", "make-parameter-file", parameters=ARD.parameters_of_force()),
        version=version("ard", "make-parameter-file"),
    shell:
        command("ard", "make-parameter-file", ["parameters"])


rule ard:
    input:
        ARD.targets(),
        outcomes_table("ard") if ARD.plan.images else [],
