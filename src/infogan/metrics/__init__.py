"""What a model learned, in numbers. Metrics never see a trainer: they get a model or a function
`encode`, data, and a budget, and return `{"family.name": value}`."""

from infogan.metrics.clustering import clustering
from infogan.metrics.evaluation import as_text, evaluate, grouped, headline
from infogan.metrics.factors import factors
from infogan.metrics.groups import groups
from infogan.metrics.information import information
from infogan.metrics.matched import continuous_factors, matched
from infogan.metrics.meaning import FACTORS, meaning, reading
from infogan.metrics.overfitting import overfitting
from infogan.metrics.pairs import pairs

__all__ = [
    "FACTORS",
    "as_text",
    "clustering",
    "continuous_factors",
    "evaluate",
    "factors",
    "grouped",
    "groups",
    "headline",
    "information",
    "matched",
    "meaning",
    "overfitting",
    "pairs",
    "reading",
]
