"""OCO-2 and OCO-3 target captures: Lite files to cubes of targets, GeoTIFFs and global mosaics.

Inputs: Lite files of `xco2.granules`, targets of `xco2.targets`, or the run configuration that `xco2.peer` names.
Products, below <results>/xco2: make-targets/targets.json, cut-captures/<granule>.nc, grid-capture/<granule>.nc and
world/<granule>.nc, list-captures/<dataset>.tsv, update-cube/<quality>/<dataset>/<target>.zarr, update-global/<quality>,
verify-cube/, write-cog/<dataset>/<day>/, tabulate-targets/<dataset>/, make-climatology/, plot-capture/, plot-target/,
select-days/days.json and state.json.
Grain: one granule, then one cube. Cubes and mosaics are updated: their rules' outputs are the records beside them.
"""

import re

from levelworks.xco2.layout import Layout as Xco2Layout
from levelworks.xco2.plan import plan_campaign as plan_xco2

try:
    XCO2 = Xco2Layout(plan_xco2(CONFIG.xco2, RESULTS / "xco2" / "select-days" / "state.json"), RESULTS)
    XCO2_TARGETS = XCO2.targets()
except LevelworksError as error:
    raise WorkflowError(str(error)) from None

CAMPAIGN_GRANULES["xco2"] = XCO2.granules()


wildcard_constraints:
    granule=r"[A-Za-z0-9][A-Za-z0-9_+-]*",
    dataset="oco2|oco3|oco3_sif",
    day=r"\d{4}-\d{2}-\d{2}",
    quality="|".join(map(re.escape, XCO2.quality_sets)),
    target=r"[A-Za-z0-9][A-Za-z0-9_+-]*",
    span="monthly|seasonal|annual|monthly-consolidated",


rule make_targets:
    input:
        centres=CONFIG.xco2.centres or [],
    output:
        targets=XCO2.made_targets,
    log:
        log_file("xco2", "make-targets", "targets"),
    benchmark:
        benchmark_file("xco2", "make-targets", "targets")
    threads: 1
    resources:
        mem_mb=grown(800),
        runtime=grown(10, 1.5),
        expected_seconds=1,
    params:
        options=options("xco2", "make-targets"),
        version=version("xco2", "make-targets"),
    shell:
        command("xco2", "make-targets", ["targets"])


rule cut_captures:
    input:
        unpack(XCO2.cut_inputs),
    output:
        captures=XCO2.captures,
    log:
        log_file("xco2", "cut-captures", "{granule}"),
    benchmark:
        benchmark_file("xco2", "cut-captures", "{granule}")
    threads: 1
    resources:
        mem_mb=grown(1000),
        runtime=grown(10, 1.5),
        expected_seconds=1,
    params:
        options=lambda wildcards: options("xco2", "cut-captures", **XCO2.cut_options(wildcards)),
        version=version("xco2", "cut-captures"),
    shell:
        command("xco2", "cut-captures", ["captures"])


rule grid_capture:
    input:
        unpack(XCO2.grid_inputs),
    output:
        **XCO2.grid_outputs,
    log:
        log_file("xco2", "grid-capture", "{granule}"),
    benchmark:
        benchmark_file("xco2", "grid-capture", "{granule}")
    threads: 1
    resources:
        mem_mb=grown(1200),
        runtime=grown(10, 1.5),
        expected_seconds=1,
    params:
        options=options("xco2", "grid-capture"),
        version=version("xco2", "grid-capture"),
    shell:
        command("xco2", "grid-capture", XCO2.grid_outputs)


rule list_captures:
    input:
        grids=XCO2.grids_of,
    output:
        captures=XCO2.listing,
    log:
        log_file("xco2", "list-captures", "{dataset}"),
    benchmark:
        benchmark_file("xco2", "list-captures", "{dataset}")
    threads: 1
    resources:
        mem_mb=grown(800),
        runtime=grown(10, 1.5),
        expected_seconds=1,
    params:
        grids=lambda wildcards, input: listed(input.grids),
        options=options("xco2", "list-captures"),
        version=version("xco2", "list-captures"),
    shell:
        command("xco2", "list-captures", ["captures"])


rule update_cube:
    input:
        captures=XCO2.listing,
    output:
        record=XCO2.record_of(XCO2.cube),
    log:
        log_file("xco2", "update-cube", "{quality}/{dataset}/{target}"),
    benchmark:
        benchmark_file("xco2", "update-cube", "{quality}/{dataset}/{target}")
    threads: 1
    resources:
        mem_mb=grown(1000),
        runtime=grown(10, 1.5),
        expected_seconds=1,
    params:
        cube=XCO2.cube,
        options=lambda wildcards: options("xco2", "update-cube", **XCO2.cube_options(wildcards)),
        version=version("xco2", "update-cube"),
    shell:
        command("xco2", "update-cube", ["cube"], folders=["cube"])


rule verify_cube:
    input:
        unpack(XCO2.cube_records),
    output:
        record=XCO2.record_of(XCO2.report),
    log:
        log_file("xco2", "verify-cube", "{dataset}/{target}"),
    benchmark:
        benchmark_file("xco2", "verify-cube", "{dataset}/{target}")
    threads: 1
    resources:
        mem_mb=grown(800),
        runtime=grown(10, 1.5),
        expected_seconds=1,
    params:
        report=XCO2.report,
        options=options("xco2", "verify-cube"),
        version=version("xco2", "verify-cube"),
    shell:
        command("xco2", "verify-cube", ["report"], folders=["report"])


rule write_cog:
    input:
        unpack(XCO2.cog_inputs),
    output:
        record=XCO2.record_of(XCO2.cogs),
    log:
        log_file("xco2", "write-cog", "{dataset}/{day}"),
    benchmark:
        benchmark_file("xco2", "write-cog", "{dataset}/{day}")
    threads: 1
    resources:
        mem_mb=grown(1000),
        runtime=grown(10, 1.5),
        expected_seconds=1,
    params:
        cogs=XCO2.cogs,
        options=options("xco2", "write-cog"),
        version=version("xco2", "write-cog"),
    shell:
        command("xco2", "write-cog", ["cogs"], folders=["cogs"])


if CONFIG.xco2.cog_folder:

    # Links carry the names and the one folder that the peer writes to.
    rule link_cogs:
        input:
            XCO2.record_of(XCO2.cogs),
        output:
            touch(XCO2.links),
        log:
            log_file("xco2", "link-cogs", "{dataset}/{day}"),
        localrule: True
        threads: 1
        params:
            cogs=XCO2.cogs,
            folder=CONFIG.xco2.cog_folder,
        shell:
            "(mkdir -p {params.folder:q};"
            " find {params.folder:q} -maxdepth 1 -xtype l -name '*_{wildcards.day}T*.tif' -delete;"
            ' for file in {params.cogs:q}/*.tif; do if [ -e "$file" ]; then'
            ' ln -sf "$(realpath "$file")" {params.folder:q}/"$(basename "$file")"; fi; done) > {log:q} 2>&1'


rule update_global:
    input:
        worlds=XCO2.worlds,
    output:
        record=XCO2.record_of(XCO2.mosaic),
    log:
        log_file("xco2", "update-global", "{quality}"),
    benchmark:
        benchmark_file("xco2", "update-global", "{quality}")
    threads: 1
    resources:
        mem_mb=grown(2000),
        runtime=grown(60, 1.5),
        expected_seconds=10,
    params:
        worlds=lambda wildcards, input: listed(input.worlds),
        mosaic=XCO2.mosaic,
        options=lambda wildcards: options("xco2", "update-global", **XCO2.mosaic_options(wildcards)),
        version=version("xco2", "update-global"),
    shell:
        command("xco2", "update-global", ["mosaic"], folders=["mosaic"])


rule tabulate_targets:
    input:
        unpack(XCO2.table_inputs),
    output:
        record=XCO2.record_of(XCO2.tables),
    log:
        log_file("xco2", "tabulate-targets", "{dataset}"),
    benchmark:
        benchmark_file("xco2", "tabulate-targets", "{dataset}")
    threads: 1
    resources:
        mem_mb=grown(800),
        runtime=grown(10, 1.5),
        expected_seconds=5,
    params:
        captures=lambda wildcards, input: listed(input.captures),
        tables=XCO2.tables,
        options=options("xco2", "tabulate-targets"),
        version=version("xco2", "tabulate-targets"),
    shell:
        command("xco2", "tabulate-targets", ["tables"], folders=["tables"])


rule make_climatology:
    input:
        cube=XCO2.record_of(XCO2.cube),
    output:
        record=XCO2.record_of(XCO2.climatology),
    log:
        log_file("xco2", "make-climatology", "{quality}/{dataset}/{target}_{span}"),
    benchmark:
        benchmark_file("xco2", "make-climatology", "{quality}/{dataset}/{target}_{span}")
    threads: 1
    resources:
        mem_mb=grown(800),
        runtime=grown(10, 1.5),
        expected_seconds=3,
    params:
        climatology=XCO2.climatology,
        options=lambda wildcards: options("xco2", "make-climatology", span=wildcards.span),
        version=version("xco2", "make-climatology"),
    shell:
        command("xco2", "make-climatology", ["climatology"], folders=["climatology"])


rule plot_capture:
    input:
        unpack(XCO2.plot_inputs),
    output:
        picture=XCO2.capture_picture,
    log:
        log_file("xco2", "plot-capture", "{granule}"),
    benchmark:
        benchmark_file("xco2", "plot-capture", "{granule}")
    threads: 1
    resources:
        mem_mb=grown(1500),
        runtime=grown(10, 1.5),
        expected_seconds=3,
    params:
        options=options("xco2", "plot-capture"),
        version=version("xco2", "plot-capture"),
    shell:
        command("xco2", "plot-capture", ["picture"])


rule plot_target:
    input:
        cube=XCO2.good_cube_record,
    output:
        record=XCO2.record_of(XCO2.target_picture),
    log:
        log_file("xco2", "plot-target", "{dataset}/{target}"),
    benchmark:
        benchmark_file("xco2", "plot-target", "{dataset}/{target}")
    threads: 1
    resources:
        mem_mb=grown(1500),
        runtime=grown(10, 1.5),
        expected_seconds=3,
    params:
        picture=XCO2.target_picture,
        options=options("xco2", "plot-target"),
        version=version("xco2", "plot-target"),
    shell:
        command("xco2", "plot-target", ["picture"], folders=["picture"])


rule select_days:
    input:
        unpack(XCO2.day_inputs),
    output:
        days=XCO2.days,
        record=XCO2.record_of(XCO2.state),
    log:
        log_file("xco2", "select-days", "days"),
    benchmark:
        benchmark_file("xco2", "select-days", "days")
    threads: 1
    resources:
        mem_mb=grown(800),
        runtime=grown(10, 1.5),
        expected_seconds=1,
    params:
        granules=lambda wildcards, input: listed(input.granules),
        finished=lambda wildcards, input: listed(input.finished),
        state=lambda wildcards: XCO2.state,
        options=options("xco2", "select-days"),
        version=version("xco2", "select-days"),
    shell:
        command("xco2", "select-days", ["days", "state"], folders=["state"])


rule xco2:
    input:
        XCO2_TARGETS,
        outcomes_table("xco2") if XCO2.plan.granules else [],
