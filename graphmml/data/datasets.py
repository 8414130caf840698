"""The one real cohort that travels with the package, and where it lies."""

from pathlib import Path

from graphmml.data.cohort import Cohort
from graphmml.data.read import read_cohort
from graphmml.errors import CohortError

PACKAGE = Path(__file__).resolve().parents[1]


def load_heart() -> Cohort:
    """Load the UCI heart disease cohort: 920 patients of four hospitals, two modalities, disease yes or no.

    Janosi, Steinbrunn, Pfisterer and Detrano (1988), UCI Machine Learning Repository 45, CC BY 4.0. The data card
    is the README.md beside the tables. The group `site` is confounded with the outcome.
    """
    return read_cohort(folder_of("heart"))


def folder_of(name: str, package: Path = PACKAGE) -> Path:
    """Find a bundled cohort, in an installed package or in a source checkout."""
    places = (package / "datasets" / name, package.parent / "datasets" / name)
    for place in places:
        if (place / "cohort.toml").is_file():
            return place
    raise CohortError(
        f"the bundled cohort '{name}' is not there (looked for {' and '.join(map(str, places))}); "
        "reinstall graphmml, or run it from a whole source checkout"
    )
