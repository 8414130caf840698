"""CanonicalEncoder: modalities encoded, then turned to the directions in which they agree with each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from itertools import combinations
from typing import Any, Literal, Self, get_args

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.utils import gen_batches
from threadpoolctl import threadpool_limits

from graphmml.data.cohort import Cohort
from graphmml.data.encode import CohortEncoder, EncodedCohort
from graphmml.errors import CohortError, NotFittedError

Method = Literal["cca", "kernel", "generalised"]
Kernel = Literal["rbf", "linear"]

LEAST = 20
"""Fewer patients who have every chosen modality show nothing but chance."""
LARGEST = 6_000
"""Rows of the kernels' eigenproblem, patients times modalities; so many take about four minutes and 4 GiB."""
BLOCK = 4096
"""Patients whose kernel with those of training is held at once."""


@dataclass(frozen=True, eq=False)
class Projection:
    """One modality's columns to its variates: `x @ weights`, or with `rows` an rbf kernel with them, times weights.

    `weights` is float64 [column or training patient, variate]; `shift` and `spread` bring the variates to mean zero
    and mean variance one.
    """

    weights: np.ndarray
    shift: np.ndarray
    spread: float = 1.0
    rows: np.ndarray | None = None
    gamma: float = 0.0

    def variates(self, x: np.ndarray) -> np.ndarray:
        """Project encoded columns, of at least one patient: float64 [patient, variate]."""
        parts = [self.against(x[part]) @ self.weights for part in gen_batches(len(x), BLOCK)]
        return np.asarray((np.concatenate(parts) - self.shift) / self.spread)

    def against(self, x: np.ndarray) -> np.ndarray:
        """Return what the weights apply to: the columns, or the kernel with the patients of training."""
        x = x.astype(np.float64)
        return x if self.rows is None else np.asarray(rbf_kernel(x, self.rows, gamma=self.gamma))

    def standardised(self, x: np.ndarray) -> "Projection":
        """Return the same projection with mean zero and mean variance one over these patients.

        One scale for all variates: how large they are to each other is what the method found.
        """
        variates = self.variates(x)
        spread = float(np.sqrt(variates.var(axis=0).mean())) or 1.0
        return replace(self, shift=self.shift + self.spread * variates.mean(axis=0), spread=self.spread * spread)


class CanonicalEncoder(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Encode as CohortEncoder does, then keep of each modality the directions that correlate with the others'.

    `method` is "cca" (two modalities: Hotelling 1936; more: the largest variance of the sum, Kettenring 1971),
    "generalised" (one latent variable that all modalities predict: Carroll 1968) or "kernel" (the first, in the
    feature space of an rbf or linear kernel: Bach and Jordan 2002, Hardoon et al. 2004). All are cca-zoo's MCCA,
    GCCA and KCCA: pip install 'graphmml[cca]', which a fitted encoder no longer needs.

    Where we differ: each covariance is shrunk towards the identity (Vinod 1976) by `shrinkage`, 0 for none, 1 for
    partial least squares; the papers' variates have unit variance each, ours in the mean of a modality. Without
    shrinkage "generalised" finds the directions of "cca", with variates as large as they are shared. The rbf kernel's
    width is the total variance of the modality. What a modality shares with no other is lost; the columns that say what
    is missing take part, so where the same patients have gaps in two modalities, that is shared.

    Directions are learned from training patients who have every one of `modalities` (None: all there are), scales
    from those who have the modality; other modalities stay as CohortEncoder made them, and so do raw tables, by which
    Gower, phenotypes and codes link. There are at most as many variates as the narrowest of `modalities` has columns.
    A fitted "kernel" holds encoded training patients.
    """

    def __init__(
        self,
        dimensions: int = 8,
        method: Method = "cca",
        *,
        modalities: Sequence[str] | None = None,
        shrinkage: float = 0.1,
        kernel: Kernel = "rbf",
        prepare: CohortEncoder | None = None,
    ) -> None:
        self.dimensions = dimensions
        self.method = method
        self.modalities = modalities
        self.shrinkage = shrinkage
        self.kernel = kernel
        self.prepare = prepare

    def fit(self, cohort: Cohort) -> Self:
        """Learn from these patients, of whom at least 20 have all the chosen modalities."""
        refuse_unusable(self)
        cohort = cohort[cohort.sorted_rows]
        prepare = (CohortEncoder() if self.prepare is None else clone(self.prepare)).fit(cohort)
        encoded = prepare.transform(cohort)
        views = complete_views(encoded, chosen(encoded, self.modalities))
        with threadpool_limits(1, user_api="blas"):  # several threads wait for each other longer than they compute
            self.projections_ = {
                modality: projection.standardised(encoded.features[modality][encoded.has(modality)])
                for modality, projection in self.learned(views).items()
            }
        self.prepare_ = prepare
        return self

    def learned(self, views: Mapping[str, np.ndarray]) -> dict[str, Projection]:
        """Learn the directions from columns float64 [patient, column] of the same patients in each modality."""
        rows = list(views.values())
        dimensions = min(self.dimensions, *(view.shape[1] for view in rows))
        if self.method != "kernel":
            kind = cca_zoo("linear").MCCA if self.method == "cca" else cca_zoo("linear").GCCA
            weights = upright(kind(dimensions, shrinkage=float(self.shrinkage)).fit(rows).weights_)
            return dict(zip(views, map(linear, weights), strict=True))
        refuse_large(views)
        gammas = [1.0 / float(view.var(axis=0).sum()) for view in rows]
        model = cca_zoo("nonparametric").KCCA(
            dimensions, shrinkage=float(self.shrinkage), kernel=self.kernel, gamma=gammas
        )
        # weights that sum to zero need no centred kernel: all that centring adds is a constant, which `shift` removes
        weights = [dual - dual.mean(axis=0) for dual in upright(model.fit(rows).weights_)]
        if self.kernel == "linear":
            return {name: linear(views[name].T @ dual) for name, dual in zip(views, weights, strict=True)}
        return {
            name: replace(linear(dual), rows=views[name], gamma=gamma)
            for name, dual, gamma in zip(views, weights, gammas, strict=True)
        }

    def transform(self, cohort: Cohort) -> EncodedCohort:
        """Encode any patients; the columns of a projected modality are "variate 1", "variate 2" ..."""
        self.check_fitted()
        encoded = self.prepare_.transform(cohort)
        features, columns = dict(encoded.features), dict(encoded.columns)
        for modality, projection in self.projections_.items():
            here, count = encoded.has(modality), projection.weights.shape[1]
            matrix = np.zeros((len(encoded), count), dtype=np.float32)
            if here.any():
                matrix[here] = projection.variates(encoded.features[modality][here])
            features[modality] = matrix
            columns[modality] = tuple(f"variate {at + 1}" for at in range(count))
        return replace(encoded, features=features, columns=columns)

    def correlations(self, cohort: Cohort) -> np.ndarray:
        """Return how far modalities agree on each variate in these patients: float64 [variate].

        The mean, over pairs of modalities, of the correlation among patients who have both. In training patients it
        is too high by construction; patients held out say what there is to share.
        """
        encoded = self.transform(cohort)
        pairs = [(one, other) for one, other in combinations(self.projections_, 2)]
        both = [encoded.has(one) & encoded.has(other) for one, other in pairs]
        found = [
            correlation(encoded.features[one][rows], encoded.features[other][rows])
            for (one, other), rows in zip(pairs, both, strict=True)
            if rows.sum() > 2
        ]
        if not found:
            raise CohortError(
                f"at most {max(int(rows.sum()) for rows in both)} of {len(cohort)} patients have two of "
                f"{', '.join(self.projections_)}; a correlation needs 3, so give more patients"
            )
        return np.asarray(np.mean(found, axis=0))

    def differences(self, cohort: Cohort) -> tuple[str, ...]:
        """Say in words where these patients' tables differ from those of training."""
        self.check_fitted()
        return self.prepare_.differences(cohort)

    def check_fitted(self) -> None:
        """Raise NotFittedError before `fit`."""
        if not hasattr(self, "prepare_"):
            raise NotFittedError("this CanonicalEncoder has seen no patients yet; call fit(cohort[train]) first")


def refuse_unusable(encoder: CanonicalEncoder) -> None:
    """Raise CohortError for settings that no cohort can be encoded with."""
    if encoder.dimensions < 1:
        raise CohortError(f"dimensions is {encoder.dimensions}; it must be 1 or more")
    if encoder.method not in get_args(Method):
        raise CohortError(f"method is '{encoder.method}'; choose one of {', '.join(get_args(Method))}")
    if encoder.kernel not in get_args(Kernel):
        raise CohortError(f"kernel is '{encoder.kernel}'; choose one of {', '.join(get_args(Kernel))}")
    if not 0 <= encoder.shrinkage <= 1:
        raise CohortError(f"shrinkage is {encoder.shrinkage}; choose 0 (none) to 1 (partial least squares)")
    if encoder.method == "kernel" and encoder.shrinkage == 0:
        raise CohortError("shrinkage is 0, with which kernels correlate anything perfectly; choose one above 0")


def chosen(encoded: EncodedCohort, modalities: Sequence[str] | None) -> list[str]:
    """Return the modalities to project in order of name, or raise CohortError where they are unknown or too few."""
    wanted = encoded.modalities if modalities is None else modalities
    names = [wanted] if isinstance(wanted, str) else sorted(set(wanted))
    unknown = [name for name in names if name not in encoded.modalities]
    if unknown:
        raise CohortError(f"no modality {', '.join(unknown)}; the cohort has: {', '.join(encoded.modalities)}")
    if len(names) < 2:
        raise CohortError(
            f"canonical correlation is of two modalities or more, and here is {', '.join(names) or 'none'}; choose "
            f"more of {', '.join(encoded.modalities)}, or use CohortEncoder"
        )
    return names


def complete_views(encoded: EncodedCohort, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Return the columns of patients who have all of these modalities: float64 [patient, column] of each."""
    complete = np.logical_and.reduce([encoded.has(name) for name in names])
    if complete.sum() < LEAST:
        counts = {name: int(encoded.has(name).sum()) for name in names}
        raise CohortError(
            f"{int(complete.sum())} of {len(encoded)} training patients have all of "
            f"{', '.join(f'{name} ({count})' for name, count in counts.items())}; {LEAST} are wanted: choose "
            f"modalities that more patients share, for instance without {min(counts, key=lambda name: counts[name])}, "
            "or use CohortEncoder"
        )
    views = {name: encoded.features[name][complete].astype(np.float64) for name in names}
    flat = [name for name, view in views.items() if view.var(axis=0).max() < 1e-12]
    if flat:
        raise CohortError(
            f"modality {flat[0]} is the same in all {int(complete.sum())} training patients who have all of "
            f"{', '.join(names)}; leave it out of modalities"
        )
    return views


def refuse_large(views: Mapping[str, np.ndarray]) -> None:
    """Raise CohortError where kernels would take many minutes and gigabytes."""
    patients = len(next(iter(views.values())))
    if patients * len(views) > LARGEST:
        raise CohortError(
            f"{patients} patients in {len(views)} modalities are too many for kernels, which compare all with all; "
            f'at most {LARGEST // len(views)} patients are possible, or choose method="cca"'
        )


def upright(weights: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Give each variate the sign, in all modalities alike, that makes its largest weight positive."""
    stacked = np.concatenate(weights)
    largest = stacked[np.abs(stacked).argmax(axis=0), np.arange(stacked.shape[1])]
    return [part * np.where(largest < 0, -1.0, 1.0) for part in weights]


def linear(weights: np.ndarray) -> Projection:
    """Return a projection with these weights, not yet scaled."""
    return Projection(weights, np.zeros(weights.shape[1]))


def correlation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the correlation of each column with its namesake, 0 where one does not vary: float64 [column]."""
    one, other = (x.astype(np.float64) - x.mean(axis=0, dtype=np.float64) for x in (one, other))
    size = np.sqrt((one**2).sum(axis=0) * (other**2).sum(axis=0))
    return np.asarray((one * other).sum(axis=0) / np.where(size > 0, size, 1.0))


def cca_zoo(part: str) -> Any:
    """Load a part of cca-zoo, an extra."""
    try:
        return import_module(f"cca_zoo.{part}")
    except ImportError:
        raise CohortError(
            "CanonicalEncoder needs cca-zoo to learn: pip install 'graphmml[cca]', or use CohortEncoder"
        ) from None
