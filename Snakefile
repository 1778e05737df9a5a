from snakemake.utils import min_version

min_version("9.27")


configfile: "config/config.yaml"


include: "rules/common.smk"
include: "rules/coronagraph.smk"
include: "rules/plumes.smk"
include: "rules/xco2.smk"
include: "rules/ard.smk"
include: "rules/insar.smk"
include: "rules/campaign.smk"


rule all:
    default_target: True
    input:
        rules.coronagraph.input,
        rules.plumes.input,
        rules.xco2.input,
        rules.ard.input,
        rules.insar.input,
