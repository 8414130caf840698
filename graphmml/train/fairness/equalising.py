"""Thresholds that treat values of a group alike: the most useful of all that keep a constraint to within a slack.

Usefulness adds up over values, and rates that differ by no more than the slack lie in one window as wide as it. So
each value takes its own best threshold inside a window, and the best window wins: an exact search, without lots.

Calling everybody or nobody keeps any constraint, and treats nobody by their risk: such thresholds are left out where
they would win.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Candidates:
    """One value's thresholds, what each would do, and how useful that is: [threshold]; rates [rate, threshold]."""

    thresholds: np.ndarray
    rates: np.ndarray
    gain: np.ndarray

    def by_risk(self) -> "Candidates":
        """Return those that call somebody and not everybody."""
        some = (self.thresholds > 0) & np.isfinite(self.thresholds)
        return Candidates(self.thresholds[some], self.rates[:, some], self.gain[some])


def equalised(
    parts: Sequence[tuple[np.ndarray, np.ndarray]], constraint: str, *, threshold: float, slack: float
) -> list[float] | None:
    """Return one threshold a part, of risks and who has the class: of all that keep the constraint the most useful.

    A patient is called positive whose risk is at least the threshold. None where none keeps it that does not call
    everybody or nobody of some part.
    """
    known = [candidates(risk, hit, constraint, threshold) for risk, hit in parts]
    if not known:
        return []
    tried = corners(known)
    chosen = best_of(known, tried, slack)
    if chosen is not None and all(0 < one < np.inf for one in chosen):
        return chosen
    return best_of([one.by_risk() for one in known], tried, slack)


def best_of(known: Sequence[Candidates], tried: np.ndarray, slack: float) -> list[float] | None:
    """Return the most useful threshold of each part whose rates lie in one window, its lower corner one of `tried`."""
    best, chosen = -np.inf, None
    for corner in tried:
        gain, found = 0.0, list[float]()
        for one in known:
            inside = ((one.rates >= corner[:, None] - 1e-12) & (one.rates <= corner[:, None] + slack + 1e-12)).all(
                axis=0
            )
            if not inside.any():
                break
            at = int(np.argmax(np.where(inside, one.gain, -np.inf)))
            gain, found = gain + float(one.gain[at]), [*found, float(one.thresholds[at])]
        if len(found) == len(known) and gain > best + 1e-12:
            best, chosen = gain, found
    return chosen


def candidates(risk: np.ndarray, hit: np.ndarray, constraint: str, threshold: float) -> Candidates:
    """Return the thresholds between a value's risks, that nearest the common one first: of equals it is taken."""
    at = np.unique(risk)
    middle = np.concatenate([[0.0], (at[1:] + at[:-1]) / 2, [np.inf]])
    middle = middle[np.argsort(np.abs(middle - threshold), kind="stable")]
    called = len(risk) - np.searchsorted(np.sort(risk), middle, side="left")
    true = int(hit.sum()) - np.searchsorted(np.sort(risk[hit]), middle, side="left")
    false = called - true
    rates = {
        "demographic_parity": [called / len(risk)],
        "true_positive_rate": [true / hit.sum()],
        "equalized_odds": [true / hit.sum(), false / (~hit).sum()],
    }[constraint]
    return Candidates(middle, np.array(rates), true - false * threshold / (1 - threshold))


def corners(known: Sequence[Candidates]) -> np.ndarray:
    """Return the lower corners of the windows to try: [window, rate].

    The best window can be moved up until it touches a rate, so corners at rates suffice; of many they are thinned to
    a grid, which then costs at most its step.
    """
    axes = []
    for rate in range(known[0].rates.shape[0]):
        at = np.unique(np.concatenate([one.rates[rate] for one in known]))
        most = 2000 if known[0].rates.shape[0] == 1 else 60
        axes.append(at if len(at) <= most else np.unique(np.quantile(at, np.linspace(0, 1, most))))
    return np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)
