"""What each finding of an audit means: the text of `graphmml rule CODE`."""

from graphmml.data.findings import Rule

_TEXTS = (
    Rule("GM701", "outcomes permuted, and still a score",
         "The outcomes of the training patients are exchanged among them by chance, then everything is done again. "
         "Nothing is left to learn, so that AUROC on the untouched test patients is .5. If it is not, a part of the "
         "pipeline has seen the answers: a constructor that reads the outcome, a selection made before the split.",
         "With training outcomes permuted the model scores AUROC 0.630 (.605 to .655), and .500 is chance.",
         "Look at every part that is your own: it may use what fit is given, and nothing else."),
    Rule("GM702", "no gain over no graph",
         "The same network, features, folds and seeds without a single edge. A graph whose 95 % interval of the gain "
         "reaches zero has not been shown to add anything, however good its score.",
         "The graph's gain over the same network without edges is +0.004 (-.011 to +.019) AUROC.",
         "Compare other links with graphmml compare; more repeats narrow the interval; or go on without a graph."),
    Rule("GM703", "edges to anybody do as well",
         "Every patient keeps how many it hears, but whom is drawn by chance (shuffled), or the degrees are drawn too "
         "(random). If the score stays, averaging over anybody, or more weights, made the gain, not the links.",
         "The model leads by +0.021 (-.006 to +.048) over shuffled edges.",
         "Hold the model against --links random:k=10, and use the simpler one."),
    Rule("GM704", "features shuffled within the group keep the score",
         "Patients of one site exchange their features, outcomes stay. What is left of the score is what features and "
         "edges tell of the site, and no patient's own features tell of its outcome. A published population graph "
         "of ABIDE-I scored .94 as it was and .96 so altered, and .52 at sites that it had not seen.",
         "Features shuffled within site score 0.741 (.702 to .780), 96 % of the model's lead over chance.",
         "Judge by graphmml cv COHORT --leave-out site, and by the score within one site."),
    Rule("GM705", "pooled, within the group, left out",
         "Where prevalence differs by site, whoever knows the site scores above chance over everybody (pooled). "
         "Between patients of one site that knowledge is worth nothing (within: of all pairs of a case and a control "
         "at one site, how many are in order), and at a site that was not trained on it misleads (left out, on folds "
         "of its own). The three belong side by side; a study across sites is as good as the last.",
         "Pooled 0.727 (.690 to .764), within site 0.430 (.380 to .480), site left out 0.506 (.420 to .592).",
         "Report graphmml cv COHORT --leave-out site."),
    Rule("GM706", "transductive scores promise more",
         "With test patients' features in the training graph a network tunes its messages to them. New patients will "
         "not have been there.",
         "Test patients in the training graph change AUROC by +0.031 (+.012 to +.050).",
         "Report the inductive score, which is the default."),
    Rule("GM707", "edges within the group carry the gain",
         "The graph is drawn again with edges between different groups only. If the gain is gone, patients gained "
         "from their own site's patients: it may be the site's prevalence that they heard.",
         "With edges between different site alone the gain is +0.003 (-.012 to +.018) AUROC.",
         "Link across: --links \"restricted(neighbours:each=true):across=site\", or evenly=site."),
)  # fmt: skip

AUDIT_RULES: dict[str, Rule] = {rule.code: rule for rule in _TEXTS}
