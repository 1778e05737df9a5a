"""What follows the lines: the table of outcomes of each, which fails where too many granules are quarantined; the
campaign's report, and its description as an RO-Crate.

Inputs: one product of every granule of a line; the products of all lines. Products: <results>/<line>/outcomes.tsv and
quarantine.tsv, <results>/report.html, <results>/ro-crate-metadata.json with the workflow beside it.
"""


rule check_outcomes:
    input:
        granules=lambda wildcards: CAMPAIGN_GRANULES[wildcards.line],
    output:
        outcomes=str(RESULTS / "{line}" / OUTCOMES),
    log:
        log_file("{line}", "check-outcomes", "outcomes"),
    wildcard_constraints:
        line="|".join(levelworks_config.LINES),
    localrule: True
    threads: 1
    params:
        granules=lambda wildcards, input: listed(input.granules),
        # No output: a failing job's outputs are removed, and just then the table is wanted.
        quarantine=str(RESULTS / "{line}" / "quarantine.tsv"),
        limit=CONFIG.campaign.max_quarantined,
    shell:
        "levelworks check-outcomes {params.granules:q} --outcomes {output.outcomes:q}"
        " --quarantine {params.quarantine:q} --max-quarantined {params.limit} > {log:q} 2>&1"


CAMPAIGN_PRODUCTS = [
    rules.coronagraph.input,
    rules.plumes.input,
    rules.xco2.input,
    rules.ard.input,
    rules.insar.input,
]


rule write_report:
    input:
        products=CAMPAIGN_PRODUCTS,
    output:
        report=str(RESULTS / "report.html"),
    log:
        log_file("campaign", "report", "report"),
    localrule: True
    threads: 1
    params:
        results=lambda wildcards, output: Path(output.report).parent,
    shell:
        "levelworks report --results {params.results:q} --output {output.report:q} > {log:q} 2>&1"


rule write_crate:
    input:
        products=CAMPAIGN_PRODUCTS,
    output:
        metadata=str(RESULTS / "ro-crate-metadata.json"),
    log:
        log_file("campaign", "crate", "crate"),
    localrule: True
    threads: 1
    params:
        results=lambda wildcards, output: Path(output.metadata).parent,
        snakefile=workflow.main_snakefile,
        configuration=[str(path) for path in workflow.configfiles],
    shell:
        "levelworks crate --results {params.results:q} --snakefile {params.snakefile:q}"
        " --configfile {params.configuration:q} > {log:q} 2>&1"


rule report:
    input:
        rules.write_report.output,


rule crate:
    input:
        rules.write_crate.output,


onstart:
    announce_plan(workflow.dag.needrun_jobs(), RESULTS)
