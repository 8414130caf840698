"""What each finding on a graph means: the text of `graphmml rule CODE`."""

from graphmml.data.findings import Rule
from graphmml.report.rules_labels import LABEL_RULES
from graphmml.report.rules_patients import PATIENT_RULES
from graphmml.report.rules_structure import STRUCTURE_RULES

_TEXTS = (
    Rule("GM201", "a graph in pieces",
         "Messages do not cross from one component to another. A component without labelled training patients "
         "teaches the others nothing and learns nothing from them.",
         "37 components; the largest holds 62 % of the patients.",
         "Raise k, or link over several modalities so that gaps in one do not cut patients off."),
    Rule("GM202", "patients without a link",
         "A patient nobody is like, or who lacks the modality that links are made from, gets the answer of the "
         "network without a graph.",
         "71 patients (9.3 %) have no blood values and no link.",
         "Link over several modalities: --links neighbours:each=true."),
    Rule("GM203", "hubs",
         "In high dimensions a few points become everybody's neighbour without any biology (Radovanovic et al., "
         "JMLR 2010). What they hold is spread over the cohort.",
         "One patient is in 210 of 1,000 lists, 17 % in none.",
         "Mutual neighbours, fewer dimensions, or cosine after principal components."),
    Rule("GM204", "gaps decide who is linked",
         "Imputed cells pull a patient to the middle of the cohort, where everybody is near, and make those with the "
         "same gaps alike. The graph then links by missingness: patients with most cells of a modality missing are "
         "each other's neighbours, or those with many gaps are hubs, or those who lack a whole modality are, because "
         "less of them is compared.",
         "6 % of patients lack most cells of a modality; adjusted homophily of who they are is .90.",
         "Compare what both have measured (neighbours:overlap=3), one relation a modality (neighbours:each=true), or "
         "drop columns that are mostly empty."),
    Rule("GM301", "does the outcome follow the links?",
         "Adjusted homophily is the share of links within a class, with chance at 0 and perfection at 1 (Newman's "
         "assortativity; Platonov et al. 2022). p is from outcomes exchanged among patients. The raw share means "
         "nothing alone: with 85 % controls it is high by chance. Numbers, and martingale residuals of survival "
         "times, are held by Moran's I in the same way (Mueller et al. 2023).",
         "84 % of links join equal outcomes, 83 % by chance: adjusted +0.02.",
         "If it is at chance, try another modality or metric; a graph can still help by smoothing features."),
    Rule("GM302", "links made from features repeat the features",
         "Homophily of a nearest-neighbour graph is nearly the accuracy of nearest neighbours: it shows that features "
         "work, not that the graph adds anything to a network that has them anyway.",
         "Adjusted homophily +0.40, yet no gain over the network without edges.",
         "Run graphmml cv, and read the column 'vs no graph'."),
    Rule("GM303", "a class among strangers",
         "If patients of a class listen to it hardly more often than its share of the cohort, averaging over "
         "neighbours blurs exactly that class.",
         "15 % of the neighbours of cases are cases, and 22 % of the cohort.",
         "Keep the residual path of the conv (it is on by default), or use attention."),
    Rule("GM401", "the graph is a map of sites",
         "Where patients of one site are alike and sites differ in prevalence, links agree in outcome because they "
         "agree in site. Exchange outcomes within sites only: if nothing is left, the graph found hospitals, and "
         "this fails; if links merely follow sites more than outcomes, it warns. "
         "Published population graphs reached AUROC .95 this way and .52 at a new site.",
         "Adjusted homophily 0.63 of site, 0.21 of diagnosis (p .001), of which 0.01 is left within site (p .180).",
         "Judge by graphmml cv --leave-out site; link over modalities that do not tell sites apart."),
    Rule("GM402", "a group that draws the links",
         "Patients who are linked because they share a group are alike in it by construction: its homophily says "
         "nothing, and the graph carries whatever the group knows of the outcome.",
         "relation 'same_site' is drawn by group site.",
         "Leave the group out of the links, or judge the model by graphmml cv --leave-out with that group."),
)  # fmt: skip

GRAPH_RULES: dict[str, Rule] = {rule.code: rule for rule in _TEXTS} | PATIENT_RULES | LABEL_RULES | STRUCTURE_RULES
