"""The options that several commands share: one name, one meaning, one help text."""

from pathlib import Path
from typing import Annotated

import typer

CohortArgument = Annotated[Path, typer.Argument(metavar="COHORT", help="cohort.toml, or the folder that holds it")]
Json = Annotated[bool, typer.Option("--json", help="print one versioned JSON object to stdout")]
Seed = Annotated[int, typer.Option(help="seed of everything that is drawn by chance")]
LinksOption = Annotated[
    str,
    typer.Option(
        help="constructor and its fields: neighbours:modality=labs,k=10; phenotype:columns=sex; "
        "concepts:modality=codes; modalities:k=10; visits; random:k=10; none; or your_module:YourClass,field=value"
    ),
]
ConvOption = Annotated[
    str, typer.Option(help="sage, gcn or gat, with options: sage:depth=2; several separated by commas; or module:Class")
]
FusionOption = Annotated[
    str,
    typer.Option(
        help="how vectors are fused: gated, attention, hierarchical, cross, mean, sum, product, max, channel, concat, "
        "units, film, tensor or lowrank, with options: tensor:size=4; several separated by commas; or module:Class"
    ),
]
FuseAtOption = Annotated[
    str,
    typer.Option(
        help="where modalities meet: early, intermediate, hybrid (hybrid:losses, hybrid:gradients) or late (late:mean, "
        "vote, weights, stack, vcdn); intermediate and hybrid take drop=0.2, complete=tokens|neighbours|experts and "
        "auxiliary=contrast|cca|reconstruct, intermediate also own_graphs=true; several separated by commas"
    ),
]
StructureOption = Annotated[
    str,
    typer.Option(
        help="learn how much each edge is heard: none; phenotype:modality=clinical; neighbours or neighbours:k=5; "
        "several separated by commas; or module:Class"
    ),
]
FailOn = Annotated[str, typer.Option(help="exit with 1 from which finding on: never, warn or fail")]
Select = Annotated[
    list[str] | None, typer.Option(metavar="CODE", help="only these findings: GM403, or GM2 for all that begin so")
]
Ignore = Annotated[list[str] | None, typer.Option(metavar="CODE", help="not these findings; written as for --select")]
Profile = Annotated[str, typer.Option(help="limits of the verdicts: default, omics, neuro or ehr")]
ThresholdsFile = Annotated[
    Path | None, typer.Option("--thresholds", metavar="FILE", help="a TOML file of limits of your own")
]
Full = Annotated[bool, typer.Option("--full", help="add curvature, resistance, stability, k-sensitivity")]
Format = Annotated[str, typer.Option(help="text, json, md (Markdown) or github (annotations of a workflow)")]
Members = Annotated[int, typer.Option(help="networks in the ensemble, each stopped by another inner part")]
Jobs = Annotated[int, typer.Option(help="processes; -1 takes every core")]
