"""What follows the lines: the table of outcomes of each, which fails where too many granules are quarantined.

Inputs: one product of every granule of a line. Products: <results>/<line>/outcomes.tsv and quarantine.tsv.
"""


rule check_outcomes:
    input:
        granules=lambda wildcards: CAMPAIGN_FRAMES[wildcards.line],
    output:
        outcomes=str(RESULTS / "{line}" / "outcomes.tsv"),
        quarantine=str(RESULTS / "{line}" / "quarantine.tsv"),
    log:
        log_file("{line}", "check-outcomes", "outcomes"),
    localrule: True
    threads: 1
    params:
        granules=lambda wildcards, input: listed(input.granules),
        limit=CONFIG.campaign.max_quarantined,
    wildcard_constraints:
        line="|".join(levelworks_config.LINES),
    shell:
        "levelworks check-outcomes {params.granules:q} --outcomes {output.outcomes:q}"
        " --quarantine {output.quarantine:q} --max-quarantined {params.limit} > {log:q} 2>&1"
