"""What each finding on tables means: the text of `graphmml rule CODE`."""

from graphmml.data.findings import Rule

_TEXTS = (
    Rule("GM101", "rows that belong to nobody",
         "A file names ids that no feature table has. They are left out, which is right for a label file that covers "
         "a larger study and wrong when ids are written in two ways.",
         "labels.csv has 1,200 rows, the feature tables 763 patients: 437 rows are left out.",
         "Compare the id columns of the two files; mend the ids, or ignore the finding."),
    Rule("GM103", "ids that differ in upper and lower case alone",
         "Two ids that are the same word in two cases are probably one patient, who now counts twice.",
         "'ab12' in one file and 'AB12' in another are joined as two patients with half their data each.",
         "Write each id the same way in every file."),
    Rule("GM104", "patients who are copies of each other",
         "A patient who stands in both training and test is recognised, not predicted. Copies also make each other's "
         "neighbours, so a graph carries the label across the split.",
         "40 patients share every measured cell with another one.",
         "Drop the copies, or add a [group.NAME] with block = true that holds copies together."),
    Rule("GM108", "a column of text that is mostly numbers",
         "One unusual spelling turns a whole column of numbers into names, and order and distance are lost.",
         "crp holds 1.2, 0.8 ... and '<0.1' in a few cells, and is read as names.",
         "List spellings of missing under na, and replace censored values by a number of your choice."),
    Rule("GM109", "one name in several spellings",
         "'Male', 'male' and 'male ' become three levels, and patients who agree look different.",
         "sex has 5 spellings of 2 names.",
         "Write each name one way."),
    Rule("GM110", "a code for missing among the numbers",
         "A value far outside all others that occurs again and again is mostly a code for 'not measured'. As a number "
         "it bends means and scales, and makes neighbours of patients who share a gap.",
         "chol is 0 for 172 patients and between 85 and 603 for the rest.",
         "Write such cells empty, or list the value under na if it means missing in every column."),
    Rule("GM111", "columns that say nothing",
         "A column with one value, or none, cannot tell patients apart. It is ignored, but is often a sign of a "
         "broken export.",
         "examide is 'No' for everybody.",
         "Drop it, or mend the export."),
    Rule("GM112", "columns that repeat another",
         "A column counted twice weighs twice, in a distance as in a model.",
         "weight_kg and weight_kg_1 are the same, cell by cell.",
         "Drop all but one."),
    Rule("GM113", "names with more levels than can be learned",
         "A column has over 50 levels, or hardly a value twice, as ids and free text do. All but the most frequent "
         "levels fall together into one; free text may hold names of people as well.",
         "comment has 612 levels in 640 cells; diag_1 has 694 codes.",
         "Drop the column, or shorten its levels to something patients share, such as the first three characters."),
    Rule("GM120", "an outcome of one class",
         "There is nothing to tell apart. Mostly the wrong column, or a filter that removed all controls.",
         "label is 1 for all 320 patients.",
         "Name the right column and check that its ids match."),
    Rule("GM121", "a class with very few patients",
         "With fewer than ten patients a class is in some folds only once, and every score on it is a coin toss.",
         "'grade 4' has fewer than eleven patients.",
         "Merge the class with a neighbour, leave it out, or use fewer folds."),
    Rule("GM122", "patients without an outcome",
         "They are kept: they can be predicted, and in the transductive setting they join the graph. They are never "
         "trained or tested on.",
         "96 of 763 patients have no outcome.",
         "Nothing, if that is as it should be."),
    Rule("GM501", "a modality that most patients lack",
         "Links over it alone leave everybody else without neighbours.",
         "labs is present for 23 % of the patients.",
         "Link over several modalities: patients are compared by what both have."),
    Rule("GM502", "gaps that tell the outcome",
         "Whether something was measured can follow from the diagnosis. A model learns that habit of one clinic "
         "instead of the disease.",
         "Having an MRI at all predicts the outcome with AUROC .74.",
         "Ask why. Leave out what is ordered after the outcome; test on another site with --leave-out site."),
    Rule("GM602", "one column that gives the outcome away",
         "A single column that separates the classes almost perfectly is rarely biology, mostly a form filled in "
         "after the diagnosis. Names are scored by patients of the same name among others, so that an id does not "
         "trigger this.",
         "followup_dx predicts dx with AUROC .999.",
         'Ask when it is known. If after the outcome: drop = ["followup_dx"] under its modality.'),
    Rule("GM603", "an order of rows that tells the outcome",
         "Cases first, controls after: harmless here, since no order is ever used, but a sign that the two came from "
         "different sources and may differ in more than the disease.",
         "The order of ids predicts the outcome with AUROC 1.00.",
         "Ask how the cohort was put together; look at GM502 and at groups."),
)  # fmt: skip

RULES: dict[str, Rule] = {rule.code: rule for rule in _TEXTS}
