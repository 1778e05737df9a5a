"""Roman coronagraph frames: Level 1 to Level 2a, Level 2b and combined datasets.

Inputs: Level-1 frames of the datasets in `coronagraph.datasets`, references of `coronagraph.references`.
Products, below <results>/coronagraph: make-noise-maps/noise_maps.fits, make-bad-pixel-map/bad_pixels.fits,
make-dark/<setting>.fits, calibrate-frame/<frame>_L2a.fits and _L2b.fits, combine/<group>_mean.fits and _median.fits,
count-photons/<group>_photons.fits, plot/<product>.png, peer-view/.
Grain: one frame. Heavy steps, on ranks: make-noise-maps, combine, count-photons.
"""

from levelworks.coronagraph.plan import plan_campaign

try:
    PLAN = plan_campaign(CONFIG.coronagraph)
except LevelworksError as error:
    raise WorkflowError(str(error)) from None


wildcard_constraints:
    frame=r"[A-Za-z0-9][A-Za-z0-9_+-]*",
    setting=r"gain[0-9pem]+_[0-9pem]+s",
    group=r"[A-Za-z0-9_-]+",
    stage=r"[a-z-]+",
    name=r"[A-Za-z0-9_+-]+",


def coronagraph_product(stage, name):
    """Return the path of a product of this line."""
    return product("coronagraph", stage, name)


NOISE_MAPS = coronagraph_product("make-noise-maps", "noise_maps.fits")
BAD_PIXELS = coronagraph_product("make-bad-pixel-map", "bad_pixels.fits")
LEVEL2A = coronagraph_product("calibrate-frame", "{frame}_L2a.fits")
LEVEL2B = coronagraph_product("calibrate-frame", "{frame}_L2b.fits")
PHOTONS = coronagraph_product("count-photons", "{group}_photons.fits")

FRAME_OUTPUTS = {"level2b": LEVEL2B} | (
    {"level2a": LEVEL2A} if PLAN.writes_level2a else {}
)
GROUP_OUTPUTS = {
    kind: coronagraph_product("combine", f"{{group}}_{kind}.fits")
    for kind in ("mean", "median")
}
PEER_LINKS = {}
if CONFIG.coronagraph.peer_view:
    # cgi_iit_drp's documented names (bmap); the names that its code writes (bpmap) are links.
    for level, part in (("2a", "image"), ("2a", "map"), ("2b", "image"), ("2b", "map")):
        name = f"{{frame}}_L{level}_{part.replace('map', 'bpmap')}.fits"
        FRAME_OUTPUTS[f"peer_level{level}_{part}"] = coronagraph_product(
            "peer-view", name
        )
    for kind, part in (
        ("mean", "image"),
        ("mean", "map"),
        ("median", "image"),
        ("median", "map"),
    ):
        name = f"{{group}}_{kind}_comb_{part.replace('map', 'bmap')}.fits"
        GROUP_OUTPUTS[f"peer_{kind}_{part}"] = coronagraph_product("peer-view", name)
        link = f"{{group}}/{kind}_comb_{part.replace('map', 'bpmap')}.fits"
        PEER_LINKS[f"peer_{kind}_{part}"] = coronagraph_product("peer-view", link)


def dark_inputs(wildcards):
    """Return the maps of a master dark: those made here from dark frames, else the references."""
    found = (
        {"noise_maps": NOISE_MAPS} if PLAN.makes_noise_maps else PLAN.dark_references
    )
    return complete("coronagraph", "make-dark", found)


def bad_pixel_inputs(wildcards):
    """Return what bad pixels are sought in."""
    dark = (
        NOISE_MAPS
        if PLAN.makes_noise_maps
        else PLAN.dark_references.get("dark_current", [])
    )
    found = {"dark_current": dark, "flat": PLAN.frame_references.get("flat", [])}
    return complete("coronagraph", "make-bad-pixel-map", found)


def frame_inputs(wildcards):
    """Return a frame and its references; a frame whose header can't be read has no dark."""
    frame = PLAN.inventory.frames[wildcards.frame]
    found = {"frame": frame.path, **PLAN.frame_references}
    if frame.setting is not None and PLAN.has_dark:
        found["dark"] = coronagraph_product("make-dark", f"{frame.setting.name}.fits")
    if PLAN.makes_bad_pixel_map:
        found["bad_pixels"] = BAD_PIXELS
    return complete("coronagraph", "calibrate-frame", found)


def group_inputs(pattern):
    """Return an input function: the products of a group's frames."""
    return lambda wildcards: expand(
        pattern, frame=PLAN.inventory.groups[wildcards.group].members
    )


def counted_dark(wildcards):
    """Return the photon-counted dark of a group, where its dataset names one."""
    dark = PLAN.photon_counting_dark(PLAN.inventory.groups[wildcards.group])
    return expand(PHOTONS, group=dark.name) if dark else []


rule make_noise_maps:
    input:
        frames=[str(path) for path in PLAN.dark_frames],
        nonlinearity=str(PLAN.frame_references.get("nonlinearity", "")) or [],
    output:
        noise_maps=NOISE_MAPS,
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
        unpack(bad_pixel_inputs),
    output:
        bad_pixels=BAD_PIXELS,
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
        unpack(dark_inputs),
    output:
        dark=coronagraph_product("make-dark", "{setting}.fits"),
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
            "coronagraph",
            "make-dark",
            **PLAN.inventory.settings[wildcards.setting].as_options,
        ),
        version=version("coronagraph", "make-dark"),
    shell:
        command("coronagraph", "make-dark", ["dark"])


rule calibrate_frame:
    input:
        unpack(frame_inputs),
    output:
        **FRAME_OUTPUTS,
    log:
        log_file("coronagraph", "calibrate-frame", "{frame}"),
    benchmark:
        benchmark_file("coronagraph", "calibrate-frame", "{frame}")
    threads: 1
    resources:
        mem_mb=grown(800),
        runtime=grown(10, 1.5),
    params:
        options=options("coronagraph", "calibrate-frame"),
        version=version("coronagraph", "calibrate-frame"),
    shell:
        command("coronagraph", "calibrate-frame", FRAME_OUTPUTS)


rule combine:
    input:
        frames=group_inputs(LEVEL2B),
    output:
        **GROUP_OUTPUTS,
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
        command("coronagraph", "combine", GROUP_OUTPUTS, ranks=True)


rule count_photons:
    input:
        frames=group_inputs(LEVEL2A),
        fixed_pattern=str(PLAN.dark_references.get("fixed_pattern", "")) or [],
        flat=str(PLAN.frame_references.get("flat", "")) or [],
        dark=counted_dark,
    output:
        photons=PHOTONS,
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
        options=options("coronagraph", "count-photons"),
        version=version("coronagraph", "count-photons"),
    shell:
        command("coronagraph", "count-photons", ["photons"], ranks=True)


rule plot:
    input:
        product=coronagraph_product("{stage}", "{name}.fits"),
    output:
        picture=coronagraph_product("plot", "{stage}/{name}.png"),
    log:
        log_file("coronagraph", "plot", "{stage}/{name}"),
    benchmark:
        benchmark_file("coronagraph", "plot", "{stage}/{name}")
    threads: 1
    resources:
        mem_mb=grown(1500),
        runtime=grown(10, 1.5),
    params:
        options=options("coronagraph", "plot"),
        version=version("coronagraph", "plot"),
    shell:
        command("coronagraph", "plot", ["picture"])


if PEER_LINKS:

    rule link_peer_names:
        input:
            **{
                name: path
                for name, path in GROUP_OUTPUTS.items()
                if name.startswith("peer")
            },
        output:
            **PEER_LINKS,
        log:
            log_file("coronagraph", "link-peer-names", "{group}"),
        localrule: True
        threads: 1
        shell:
            "for file in {input:q}; do"
            " name=$(basename $file); code=${{name#{wildcards.group}_}};"
            " ln -sf ../$name $(dirname $file)/{wildcards.group}/${{code/_bmap/_bpmap}};"
            " done > {log:q} 2>&1"


def coronagraph_targets():
    """Return every product that the configuration asks for."""
    frames = [frame.id for frame in PLAN.calibrated]
    groups = [group.name for group in PLAN.combined]
    found = expand(list(FRAME_OUTPUTS.values()), frame=frames)
    found += expand(list(GROUP_OUTPUTS.values()), group=groups)
    found += expand(PHOTONS, group=[group.name for group in PLAN.counted])
    found += expand(list(PEER_LINKS.values()), group=groups)
    if PLAN.makes_noise_maps:
        found.append(NOISE_MAPS)
    if PLAN.makes_bad_pixel_map:
        found.append(BAD_PIXELS)
    if CONFIG.coronagraph.plots:
        root = coronagraph_product("", "")
        drawn = [
            Path(path).relative_to(root) for path in found if "peer-view" not in path
        ]
        found += [
            coronagraph_product("plot", f"{path.with_suffix('')}.png") for path in drawn
        ]
    return found


rule coronagraph:
    input:
        coronagraph_targets(),
        outcomes_table("coronagraph") if PLAN.calibrated else [],


CAMPAIGN_FRAMES["coronagraph"] = expand(
    LEVEL2B, frame=[frame.id for frame in PLAN.calibrated]
)
