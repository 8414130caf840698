"""What each finding on tables means: the text of `graphmml rule CODE`."""

from graphmml.data.findings import Rule

_TEXTS = (
    Rule("GM101", "rows that belong to nobody",
         "A file names ids that no feature table has. They are left out, which is right for a label file that covers "
         "a larger study and wrong when ids are written in two ways.",
         "labels.csv has 1,200 rows, the feature tables 763 patients: 437 rows are left out.",
         "Compare the id columns of the two files; mend the ids, or ignore the finding."),
    Rule("GM102", "tables that share no patients",
         "Modalities are joined by id. Where a table's patients occur in no other, nothing can be fused and every link "
         "over it stays among strangers: mostly the id column is the wrong one, or the file is of another study.",
         "Of 301 patients of modality 'rna', nobody has any other.",
         "Name the right column with id = under the modality; where ids are written otherwise, see GM103."),
    Rule("GM103", "ids that would match if they were written alike",
         "A spreadsheet reads 0050002 as a number and writes 50002, another program adds .0 or a blank. Ids are text "
         "here and are joined as written, so that one patient becomes two with half of the data each. Tried are: "
         "leading zeros, zeros that pad, .0, blanks, byte order mark, case, hyphens. Nothing is matched by a guess: "
         "reading refuses such tables for all commands but check.",
         "300 ids of modality 'rna' belong to nobody in the other files as they are written; they would match without "
         "leading zeros.",
         "Write the id column of that file as text, with its zeros; in a spreadsheet, format it as text first."),
    Rule("GM104", "patients who are copies of each other",
         "Rows with the same value in every column of every modality, in so unusual cells that chance is excluded. "
         "Copies make each other's neighbours, so a graph carries the label from one to the other.",
         "40 patients share every measured cell with another one.",
         "Drop the copies, or add a [group.NAME] with block = true that holds copies together."),
    Rule("GM105", "patients who nearly repeat another, or do in one modality",
         "A few cells changed or rounded make a copy that no search for equal rows finds. One modality in common and "
         "others that differ are a row given to a wrong id, or values filled in where nothing was known: the columns' "
         "means, which make these patients everybody's neighbours. Judged against chance, columns that go together "
         "counted once.",
         "12 patients agree with another one in 80 % or more of the cells that both have.",
         "Look at these rows in their source. One person: keep one, or a blocking group. Means: leave the rows out."),
    Rule("GM106", "copies with different outcomes",
         "Two rows are one patient by all they hold, and the outcome says yes in one and no in the other. One of them "
         "is wrong, and a model is trained on both.",
         "8 sets of copies of a patient have outcomes that differ.",
         "Find out which is true and keep one row."),
    Rule("GM107", "infinite and overflowing numbers",
         "One infinity makes a mean, a distance and every weight that meets it infinite. Reading a file refuses such "
         "numbers; a cohort made in Python can hold them. The other checks look at the cohort without these cells.",
         "ratio holds 3 infinite numbers, from a division by zero.",
         "Write the cells empty, or cap the column."),
    Rule("GM108", "a column of text that is mostly numbers",
         "One unusual spelling turns a whole column of numbers into names, and order and distance are lost. Counted "
         "are values with < or >, separators of thousands, decimal commas, units, and words.",
         "crp is 93 % numeric: 12 values with < or >, 4 with a unit.",
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
    Rule("GM114", "dates that are read as names",
         "A date becomes a name with one patient each: that one day is before another is lost. Some of them may be no "
         "date at all, as 31 February.",
         "admitted and seen are written as dates.",
         "Write days since a day of your choice (of birth, of admission) as a number, or drop the column."),
    Rule("GM115", "another unit at one site",
         "A laboratory reports mmol/L where the others report mg/dL. Patients of that site are then each other's "
         "neighbours and nobody else's, and the column tells the site. Found are numbers that at one value of a group, "
         "or on one side of the official split, keep their spread on the scale of logarithms and are moved: by a known "
         "factor (18 glucose, 88.4 creatinine, 10, 1000 ...), by a large one, or as Fahrenheit from Celsius.",
         "glucose has median 5.4 where site is 'north' and 98 elsewhere; the factor fits 18, as of glucose between "
         "mg/dL and mmol/L.",
         "Ask the site, and write one unit in the file."),
    Rule("GM116", "dates that cannot be",
         "Dates in the future are typing mistakes, and dates of 1900 or before mostly stand for missing. Where nearly "
         "all dates lie ahead they were moved to hide them, which is fine.",
         "seen has 4 dates in the future.",
         "Mend them, or list what stands for missing under na."),
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
    Rule("GM123", "fewer patients than a model wants",
         "The minimum for a regression without penalty (Riley et al., BMJ 2020;368:m441), planned with an R-squared of "
         "Nagelkerke of .15: the overall risk within .05, coefficients that shrink by a tenth at most, and little "
         "optimism. Nearly every study of omics is below it, so that alone is told and not warned of; warned of are "
         "fewer than 50 patients, and over 20 columns a patient.",
         "Chagas disease, in Riley et al. 2019: 24 parameters, prevalence .174 and an R-squared of Cox and Snell of "
         ".288 want 662 patients, 4.8 cases a parameter.",
         "Choose few columns beforehand, prefer plain models, report intervals, and collect more."),
    Rule("GM124", "a class that is spelt like missing",
         "In features NA is missing; in an outcome it may be a class, so only an empty cell is missing there. R writes "
         "NA for what is not known, pandas nan, forms write unknown: as a class it is learned and predicted, and two "
         "classes become three.",
         "'relapse' has 1 class(es) spelt like missing: 'NA' (40 patients).",
         'Write na = ["NA"] in the outcome of cohort.toml, in Python outcome.replace("NA", None); or give the class '
         "another name."),
    Rule("GM403", "a group that goes with the outcome",
         "Where prevalence differs by site, whatever tells the site tells the outcome, and scores over mixed folds "
         "flatter every model. V is Cramer's, corrected for bias (Bergsma 2013): 0 by chance; the AUROC scores each "
         "patient by the others of the same value. check says it of the tables, diagnose of the patients in a graph.",
         "Disease ranges from 36 % in Hungary to over 91 % in Switzerland: V .41, AUROC of the site alone .71.",
         "Read leave-one-group-out scores beside the pooled ones: graphmml cv --leave-out site."),
    Rule("GM501", "a modality that most patients lack",
         "Links over it alone leave everybody else without neighbours.",
         "labs is present for 23 % of the patients.",
         "Link over several modalities: patients are compared by what both have."),
    Rule("GM502", "gaps that tell the outcome",
         "Whether something was measured can follow from the diagnosis. A model learns that habit of one clinic "
         "instead of the disease.",
         "Having an MRI at all predicts the outcome with AUROC .74.",
         "Ask why. Leave out what is ordered after the outcome; test on another site with --leave-out site."),
    Rule("GM503", "gaps that tell the site",
         "One hospital measures what another does not. What is missing then names the hospital, and with it whatever "
         "goes with the hospital, the outcome included. Tested for all gaps at once (chi-squared or Fisher, Holm), the "
         "AUROC scores each patient by the others of the same value.",
         "That 'ca' is missing can be told from the site with AUROC .98.",
         "Judge by graphmml cv --leave-out site. Read it together with GM403 and GM502."),
    Rule("GM601", "copies of patients on two sides",
         "A patient who stands in both training and test is recognised, not predicted. Nothing in the cohort keeps "
         "these copies on one side of a fold, or the official split parts them.",
         "40 patients are copies of others and no blocking group holds them; 12 stand across the official split.",
         "Keep one row a patient, or declare who belongs together: [group.person] with block = true."),
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
    Rule("GM604", "a column filled for one class alone",
         "However few cells there are, all stand with cases, or all with others: the column is written because of the "
         "outcome, as the findings of an operation are. A model needs no more than to see that something is there.",
         "resection_margin has 24 cells, all of them of cases.",
         "Drop the column."),
    Rule("GM605", "dates after the outcome",
         "Looked for where a column of dates is named for the outcome or the index (diagnosis_date, index_date, "
         "date_of_death ...): another date that is later was not known when the prediction would be made, nor is "
         "anything that was measured then.",
         "followup_seen is later than diagnosis_date in 212 of 240 patients who have both.",
         "Drop the column, and whatever was measured on that day."),
    Rule("GM801", "columns that are named for what identifies people",
         "Names, addresses, e-mail, telephone, numbers of identity, postal codes and dates of birth have no place "
         "among features; the words are looked for in English, German, French and Spanish.",
         "patient_name (a name), plz (a postal code).",
         "Take the column out of the file; at the least, drop it."),
    Rule("GM802", "values that seem to identify people",
         "E-mail addresses, telephone numbers, numbers of identity, account numbers with right check digits, and names "
         "after a title, or as 'Surname, Given'. They are counted and never shown. A graph and a model keep what they "
         "are given: both would carry it on.",
         "note: 14 like an e-mail address, fewer than 11 like a name.",
         "Take the column out of the file before it is shared; at the least, drop it."),
)  # fmt: skip

RULES: dict[str, Rule] = {rule.code: rule for rule in _TEXTS}
