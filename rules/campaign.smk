"""What follows the lines: the table of outcomes of each, which fails where too many granules are quarantined.

Inputs: one product of every granule of a line. Products: <results>/<line>/outcomes.tsv and quarantine.tsv.
"""


rule check_outcomes:
    input:
        granules=lambda wildcards: CAMPAIGN_GRANULES[wildcards.line],
    output:
        outcomes=str(RESULTS / "{line}" / "outcomes.tsv"),
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


onstart:
    announce_plan(workflow.dag.needrun_jobs(), RESULTS)
