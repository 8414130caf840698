"""The items of TRIPOD+AI, in our words, each with what only people can fill in.

Collins, Moons, Dhiman et al., "TRIPOD+AI statement: updated guidance for reporting clinical prediction models that use
regression or machine learning methods", BMJ 2024;385:e078378. 27 items, some in parts; read there what each asks.
"""

from typing import NamedTuple


class Item(NamedTuple):
    """An item's number, the section of a paper that it stands in, its topic, and what people fill in ("": nothing)."""

    number: str
    section: str
    topic: str
    blank: str


ITEMS: tuple[Item, ...] = (
    Item("1", "Title", "Title", "target population and outcome, in words"),
    Item("2", "Abstract", "Abstract", "structured summary, by TRIPOD+AI for Abstracts"),
    Item(
        "3a", "Introduction", "Health care context", "diagnostic or prognostic; why the model; which models there are"
    ),
    Item("3b", "Introduction", "Target population and use", "for whom, where in the care pathway, by which users"),
    Item("3c", "Introduction", "Health inequalities", "known inequalities between groups of the population"),
    Item("4", "Introduction", "Objectives", "development, evaluation or both, and of what"),
    Item("5a", "Data", "Sources of data", "where the data come from, why these, whom they represent"),
    Item("5b", "Data", "Dates", "start and end of accrual; end of follow-up"),
    Item("6a", "Participants", "Setting", "kind of care, number and place of centres"),
    Item("6b", "Participants", "Eligibility", "who was included and excluded"),
    Item("6c", "Participants", "Treatments", "treatments received, and how they were handled"),
    Item("7", "Data preparation", "Preparation and quality", "what was done before the files that were read"),
    Item("8a", "Outcome", "Definition", "how and when the outcome was assessed, over which horizon, and why this one"),
    Item("8b", "Outcome", "Assessors", "if it takes judgement: who assessed it, with what qualification"),
    Item("8c", "Outcome", "Blinding", "whether predictors were known to the assessors"),
    Item("9a", "Predictors", "Choice of candidates", "why these predictors; any selection before modelling"),
    Item("9b", "Predictors", "Definition", "how and when each was measured, with its unit"),
    Item("9c", "Predictors", "Assessors", "if it takes judgement: who assessed them, with what qualification"),
    Item("10", "Sample size", "Sample size", "how the number of patients was arrived at"),
    Item("11", "Missing data", "Missing data", "why values are missing; reasons to leave data out"),
    Item("12a", "Analytical methods", "Use of data", "whether any patients were kept for evaluation elsewhere"),
    Item("12b", "Analytical methods", "Handling of predictors", ""),
    Item(
        "12c", "Analytical methods", "Model, building and internal validation", "why this model; settings tried before"
    ),
    Item("12d", "Analytical methods", "Heterogeneity between clusters", "how differences between sites were handled"),
    Item("12e", "Analytical methods", "Measures of performance", "why these measures; thresholds of clinical use"),
    Item("12f", "Analytical methods", "Model updating", "any recalibration or updating after evaluation"),
    Item("12g", "Analytical methods", "How predictions are made", ""),
    Item("13", "Analytical methods", "Class imbalance", "why it was handled so, if it was"),
    Item("14", "Analytical methods", "Fairness", "which groups matter here, and what was done for them"),
    Item("15", "Analytical methods", "Model output", "any threshold for classification or risk groups, and why"),
    Item(
        "16",
        "Analytical methods",
        "Training versus evaluation",
        "differences in setting, eligibility, outcome, predictors",
    ),
    Item("17", "Ethics", "Ethical approval", "committee, approval number, consent or waiver"),
    Item("18a", "Open science", "Funding", "sources of funding, role of the funders"),
    Item("18b", "Open science", "Conflicts of interest", "of all authors"),
    Item("18c", "Open science", "Protocol", "where it can be read, or that there is none"),
    Item("18d", "Open science", "Registration", "register and number, or that it was not registered"),
    Item("18e", "Open science", "Data sharing", "whether and how the data are available"),
    Item("18f", "Open science", "Code sharing", "where the analysis code is"),
    Item(
        "19", "Patient and public involvement", "Involvement", "in design, conduct, reporting, or that there was none"
    ),
    Item("20a", "Results", "Flow of participants", "how many were eligible, excluded, lost; length of follow-up"),
    Item("20b", "Results", "Characteristics", "characteristics that are not among the predictors"),
    Item(
        "20c", "Results", "Development and evaluation compared", "differences of the evaluation data, if there are any"
    ),
    Item("21", "Results", "Model development", ""),
    Item("22", "Results", "Model specification", "how others obtain the model, and under which conditions"),
    Item("23a", "Results", "Performance", "performance at clinically used thresholds"),
    Item("23b", "Results", "Heterogeneity of performance", "differences between sites or groups, explained"),
    Item("24", "Results", "Results of updating", "the updated model and its performance, if it was updated"),
    Item("25", "Discussion", "Interpretation", "the main results, in context, with fairness"),
    Item("26", "Discussion", "Limitations", "representativeness, sample, overfitting, missing data, bias"),
    Item("27a", "Usability", "Poor or missing input", "what users should do when input is poor or not there"),
    Item("27b", "Usability", "Users", "how users interact with the model, and what they need to know"),
    Item("27c", "Usability", "Next steps", "further research, before use"),
)
