"""What each finding on the structure of a graph means: the text of `graphmml rule CODE`."""

from graphmml.data.findings import Rule

_TEXTS = (
    Rule("GM205", "a graph of cliques",
         "Where nearly all pairs of a patient's neighbours are linked with each other, the graph is a set of closed "
         "circles, as when everybody of one sex at one site is linked. Averaging within a circle gives all of it one "
         "answer: a column with the circle's number would say as much.",
         "97 % of pairs of neighbours are linked with each other, 4 % if links fell by chance.",
         "Link the most alike within such a class: --links gate:modality=...,columns=..., or fewer of it: "
         "phenotype:columns=...,k=5."),
    Rule("GM206", "communities that are a group's",
         "Communities are sets of patients with more links among themselves than chance gives (Louvain). Adjusted "
         "mutual information says how well they match a labelling: 0 as by chance, 1 the same. If they match sites and "
         "not outcomes, the graph found sites.",
         "9 communities match site with .29 and the label with .12.",
         "Judge by graphmml cv --leave-out site; link over modalities that do not tell sites apart."),
    Rule("GM207", "features that averaging makes flat",
         "Each layer takes a mean over a patient and those it listens to. After too many, neighbours differ in "
         "nothing any more (over-smoothing). Measured is the Dirichlet energy, the summed squared difference of linked "
         "patients (Rusch et al. 2023), before any training: a trained network, which keeps a patient's own features "
         "apart, holds out longer.",
         "Under 1 % of the differences between neighbours is left after 1 layer.",
         "Fewer layers than that (graphmml cv --conv sage:depth=1), or fewer neighbours."),
    Rule("GM208", "two layers that average the whole cohort",
         "With every layer a patient hears of neighbours one step further away. Once that is most of the cohort, all "
         "patients hear of the same ones. In a cohort of some hundreds this is usual and no fault; in a large one it "
         "means that links are many and lead anywhere.",
         "Two layers reach 92 % of 5,000 patients from the median one.",
         "Fewer neighbours (neighbours:k=5), or one layer (graphmml cv --conv sage:depth=1)."),
    Rule("GM209", "links that no modality follows",
         "If linked patients are as different in every modality as any two, averaging over neighbours replaces what is "
         "known of a patient by noise. Roughness is tr(X' L X) / tr(X' X) with the normalised Laplacian L: 0 where "
         "neighbours are alike, 1 by chance. One modality that links do not follow is no fault, but it gets blurred.",
         "Roughness of labs .99 and of imaging 1.01, both as by chance.",
         "Link over what was measured (neighbours), or hold the graph against none with graphmml cv."),
    Rule("GM210", "links that are drawn otherwise the next time",
         "Links are drawn again from four fifths of the patients, and from four fifths of the columns. A link that is "
         "there only for this very set of columns says little of two patients. Patients are judged by the share of "
         "links that return, columns by those drawn both times over all drawn (Jaccard), beside its level by chance.",
         "99 % of links return with fewer patients; with fewer columns 22 % are drawn both times.",
         "More neighbours, or links that rest on more columns: neighbours over all modalities."),
    Rule("GM211", "a conclusion that hangs on k",
         "If links follow the outcome at one number of neighbours and not at another, or the graph is in pieces at one "
         "and whole at the next, the choice of k decides. The curve is of all labelled rows: choosing k by it would be "
         "choosing on the test.",
         "Links follow the label at k 10 (p .005) and at k 30 they do not (p .310).",
         "Say so beside the result; choose k within training rows alone."),
)  # fmt: skip

STRUCTURE_RULES: dict[str, Rule] = {rule.code: rule for rule in _TEXTS}
