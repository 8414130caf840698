"""What the findings on modalities, concepts, twins, held-out patients and provenance mean."""

from graphmml.data.findings import Rule

_TEXTS = (
    Rule("GM510", "one modality draws the graph",
         "A graph over several modalities that in truth follows one of them says of the others nothing. Counted are "
         "pairs of patients whom one modality links and no other does; where the graph has a single relation, each "
         "modality is linked by itself to see which of them it follows.",
         "91 % of linked pairs are drawn by rna alone, though clinical and labs were to take part.",
         "Give each modality a relation of its own: --links neighbours:each=true; or name the one: "
         "neighbours:modality=rna."),
    Rule("GM511", "who lacks a modality stands alone",
         "Where links are drawn from one modality, whoever lacks it has none: for these patients the graph is the "
         "network without a graph, and if they are the sicker ones, it is so for the sicker ones.",
         "Of 88 patients without rna 100 % have no link; of those with it 0 %.",
         "Link over all modalities: --links neighbours:each=true."),
    Rule("GM512", "concepts that everybody has",
         "A concept that most patients share (a routine test, a common code) joins everybody with everybody. It "
         "carries nothing of its own and drowns what rare concepts say.",
         "3 of 410 concepts are held by over half of the patients, and 64 % of what is heard comes over them.",
         "--links concepts:modality=codes,most=0.5 leaves them out; rarity=true (the default) weighs them less."),
    Rule("GM513", "concepts that nobody hears",
         "Messages go along an edge in one direction. If patients speak to concepts and nobody listens to these, or "
         "the other way round, nothing passes from patient to patient.",
         "An imported graph with patient -has-> gene and no gene -of-> patient.",
         "Add the reverse relation when importing; --links concepts draws both."),
    Rule("GM610", "one patient twice",
         "Patients who are alike in all that was measured are one person entered twice, or copies of one sample. "
         "Linked to each other and on two sides of a split, the model is tested on what it has seen. Twins are "
         "nearer to each other than a millionth of the usual distance to a nearest patient, and share values too "
         "telling to be shared by chance.",
         "30 patients have a twin; 26 stand on two sides of the official split; 14 have one of another outcome.",
         "Keep one row a patient; or name what twins share in cohort.toml: [group.person] with block = true."),
    Rule("GM611", "held-out patients who lie elsewhere",
         "Predicting a patient who is like nobody in training is extrapolation. One in a hundred training patients "
         "lies farther from its nearest fellow than the limit; of held-out patients no more should.",
         "Of the official test patients 14 % lie outside (1 % expected), most often site=north.",
         "Report such patients apart; graphmml cv --leave-out site shows what becomes of a new site."),
    Rule("GM612", "a graph built with test patients",
         "A graph is part of the model. If test patients took part when scales, neighbours or concepts were learned, "
         "a network trained on it has read them, and its test score flatters. graphmml diagnose COHORT links all rows "
         "to describe them, which is no fault: nothing is trained there.",
         "Built from 763 patients, of whom 103 are test patients of the official split.",
         "graphmml build COHORT --split -o GRAPH; or graphmml cv, which builds a graph in every fold."),
    Rule("GM613", "someone listens to a test patient",
         "Test patients may listen to training patients. The other way round, or among themselves, the prediction of "
         "one depends on the features of others who are tested.",
         "212 links lead from test patients of the official split to other patients.",
         "Leave these edges out when importing, or let graphmml build --split attach the test patients."),
    Rule("GM614", "was the graph drawn by the outcome?",
         "No measurement agrees with a diagnosis perfectly. Links that do were drawn with the outcome in hand, or by a "
         "column that was written after it. Held beside them: how well nearest neighbours over all features agree.",
         "Relation 'similar' joins equal outcomes: adjusted homophily 1.000; neighbours by all features reach 0.31.",
         "Draw the links without the outcome; graphmml check COHORT looks for columns that give it away."),
    Rule("GM615", "a concept that is the outcome",
         "A code that is only ever recorded for one class (the billing code of the diagnosis, the drug that treats it) "
         "tells the outcome by its presence, and every patient hears it through the graph.",
         "Of the concepts of codes, 'C10AA05' tells case best: AUROC 0.98 by its presence alone.",
         "Leave it out: drop = [...] under its modality in cohort.toml, if it is known only with the outcome."),
    Rule("GM616", "new patients whom the graph does not reach",
         "A patient attached to the training graph who finds nobody to listen to is predicted without a graph. "
         "Constructors with a threshold, rare codes or exact matches leave new patients out more often than those "
         "they were made for.",
         "Attached, 31 % of a fifth held out listen to nobody, 4 % of training patients.",
         "neighbours gives every new patient k links; or lower the threshold (support, least)."),
)  # fmt: skip

PATIENT_RULES: dict[str, Rule] = {rule.code: rule for rule in _TEXTS}
