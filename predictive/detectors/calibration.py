"""How unusual a deviation is, given how much normal time stands behind the judgement.

Readings follow one another closely, so that a thousand rows may hold ten independent looks only. Spread learnt from
few looks is uncertain: deviations are Student's t with that many degrees of freedom, and are brought to the scale of
the normal distribution, on which one threshold serves every equipment.
Source: Bayley and Hammersley, The "effective" number of independent observations in an autocorrelated time series
(1946); Wallace, Bounds on normal approximations to Student's (1959).
"""

import itertools
from dataclasses import dataclass

import numpy as np

from predictive.detectors.contract import Bools, Floats

# Correlations below this are chance; they are not summed.
CHANCE = 0.05
# Nor are those of rows farther apart: a day of half-minutes, six days of minutes. A power of two.
LAGS = 8192
# The share of normal rows that may lie beyond the tail the normal distribution promises (3.3 at one in a thousand).
TAIL, TAIL_Z = 0.999, 3.3
# Added to a statistic before its logarithm, and to the spread of that: below these is rounding.
TINY, SMALLEST_SPREAD = 1e-3, 0.02


def effective_count(deviations: Floats) -> Floats:
    """How many independent looks float64[P] there are in deviations float64[T, P], between 1 and T."""
    rows = len(deviations)
    products = _lagged_products(deviations - deviations.mean(axis=0))
    correlations = products / np.maximum(products[:1], 1e-12)
    after = correlations[1:]
    summed = np.where(np.logical_and.accumulate(after >= CHANCE, axis=0), after, 0.0).sum(axis=0)
    count: Floats = np.clip(rows / (1.0 + 2.0 * summed), 1.0, rows)
    return count


def usual_count(deviations: Floats, live: Bools) -> float:
    """How many independent conditions normal time held: the median over its live points, at least 1."""
    return float(np.median(effective_count(deviations[:, live]))) if live.any() else 1.0


def normal_scale(deviations: Floats, count: Floats) -> Floats:
    """Deviations in spreads that `count` looks taught, as deviations of a normal distribution; the sign is lost."""
    scaled: Floats = (8 * count + 1) / (8 * count + 3) * np.sqrt(count * np.log1p(deviations**2 / count))
    return scaled


def tail_factor(unusual: Floats) -> Floats:
    """≥ 1: by how much normal rows float64[T, …], on the normal scale, go beyond what that scale promises."""
    # By hand: numpy's quantile loads masked arrays, which takes longer than all of this.
    place = min(int(TAIL * len(unusual)), len(unusual) - 1)
    factor: Floats = np.maximum(1.0, np.partition(unusual, place, axis=0)[place] / TAIL_Z)
    return factor


@dataclass(frozen=True, slots=True)
class LogScale:
    """What is usual of a positive statistic, judged by its logarithm: `centre`, `spread`, `count` of looks."""

    centre: float
    spread: float
    count: float

    @classmethod
    def learnt(cls, statistic: Floats) -> "LogScale":
        """From the values float64[T] on normal rows that the statistic was not fitted on."""
        logs = np.log(statistic + TINY)
        return cls(float(logs.mean()), float(logs.std()) + SMALLEST_SPREAD, float(effective_count(logs[:, None])[0]))

    def as_array(self) -> Floats:
        return np.array([self.centre, self.spread, self.count])


def unusual(statistic: Floats, scale: Floats) -> Floats:
    """How far float64[E, T] above the usual, on the normal scale; `scale` float64[E, 3] as LogScale.as_array gives."""
    centre, spread, count = (scale[:, None, place] for place in range(3))
    return normal_scale(np.maximum((np.log(statistic + TINY) - centre) / spread, 0.0), count)


def _lagged_products(values: Floats) -> Floats:
    """Sums float64[L, P] of `values` float64[T, P] times themselves 0 … L - 1 rows later; L is T, or LAGS if less.

    Stretch by stretch, each with itself and with the one after it: short transforms stay in the processor's cache.
    """
    lags = min(len(values), LAGS)
    # A point a line and a power of two, both for the speed of the transform.
    length = 1 << (2 * lags - 1).bit_length()
    stretches = np.split(np.ascontiguousarray(values.T), range(lags, len(values), lags), axis=1)
    spectra = [np.fft.rfft(stretch, length) for stretch in stretches]
    together = np.sum([np.abs(spectrum) ** 2 for spectrum in spectra], axis=0)
    # What comes half a transform later has every other frequency turned around.
    turned = np.where(np.arange(length // 2 + 1) % 2, -1.0, 1.0)
    for spectrum, after in itertools.pairwise(spectra):
        together = together + spectrum.conj() * after * turned
    products: Floats = np.fft.irfft(together, length)[:, :lags].T
    return products
