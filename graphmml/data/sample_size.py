"""How many patients a prediction model of a binary outcome wants at the least.

Riley, Ensor, Snell et al., "Calculating the sample size required for developing a clinical prediction model", BMJ
2020;368:m441, and Riley, Snell, Ensor et al., Statistics in Medicine 2019;38:1276 (there: Chagas disease).
"""

import math

SHRINKAGE = 0.9
MARGIN = 0.05
MOST_PARAMETERS = 30
NAGELKERKE = 0.15
"""The explained share that the paper proposes where nothing is known of earlier models."""


def largest_fit(share: float) -> float:
    """Return the largest R-squared of Cox and Snell that an outcome of this prevalence allows."""
    null = share * math.log(share) + (1.0 - share) * math.log(1.0 - share)
    return 1.0 - math.exp(2.0 * null)


def typical_fit(share: float) -> float:
    """Return the R-squared of Cox and Snell to plan with where no earlier model is known."""
    return NAGELKERKE * largest_fit(share)


def criteria(parameters: int, share: float, fit: float) -> dict[str, float]:
    """Return the patients wanted by each criterion, `fit` being the R-squared of Cox and Snell that is expected.

    `risk`: the overall risk is known to within .05. `shrinkage`: coefficients shrink by at most a tenth.
    `optimism`: the apparent and the adjusted R-squared of Nagelkerke differ by at most .05. `error`: the mean
    absolute error of a predicted risk is at most .05, by a formula found for up to 30 parameters (2020 only).
    """
    small_optimism = fit / (fit + MARGIN * largest_fit(share))
    wanted = {
        "risk": (1.96 / MARGIN) ** 2 * share * (1.0 - share),
        "shrinkage": shrunk(parameters, fit, SHRINKAGE),
        "optimism": shrunk(parameters, fit, small_optimism),
    }
    if parameters <= MOST_PARAMETERS:
        exponent = -0.508 + 0.259 * math.log(share) + 0.504 * math.log(parameters) - math.log(MARGIN)
        wanted["error"] = math.exp(exponent / 0.544)
    return wanted


def minimum_patients(parameters: int, share: float, fit: float) -> int:
    """Return the patients wanted so that every criterion holds."""
    return math.ceil(max(criteria(parameters, share, fit).values()))


def shrunk(parameters: int, fit: float, shrinkage: float) -> float:
    """Return the patients wanted for a uniform shrinkage factor of this size."""
    return parameters / ((shrinkage - 1.0) * math.log(1.0 - fit / shrinkage))
