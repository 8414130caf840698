"""What the findings on missingness in the links mean: the text of `graphmml rule CODE`."""

from graphmml.data.findings import Rule

_TEXTS = (
    Rule("GM404", "links follow what is missing",
         "Patients who lack the same columns get the same imputed values and become neighbours. The graph then maps "
         "who was examined how, often a matter of site, and the outcome only so far as that goes with it. Homophily "
         "is of the pattern of missing columns, each relation beside its own chance level: that only patients with a "
         "modality can be linked by it does not count.",
         "Adjusted homophily of what is missing 0.62, of disease 0.40; what is missing goes with site: V 0.78.",
         "Compare patients by what both have (neighbours:metric=gower, or overlap=N), or link by a modality that "
         "all have; judge by graphmml cv --leave-out with the group that what is missing goes with."),
)  # fmt: skip

LABEL_RULES: dict[str, Rule] = {rule.code: rule for rule in _TEXTS}
