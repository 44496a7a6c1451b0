"""InfoGAN: interpretable latent codes from unlabelled images (Chen et al. 2016).

>>> import infogan
>>> model = infogan.InfoGAN("z8 + kind:cat3 + u", shape=(1, 8, 8))
>>> model.generate(n=4, kind=2, seed=0).shape
torch.Size([4, 1, 8, 8])
"""

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from infogan.errors import InfoganError
    from infogan.estimator import Estimator
    from infogan.model import InfoGAN
    from infogan.prior import Prior

__version__ = "0.1.0"
__all__ = ["Estimator", "InfoGAN", "InfoganError", "Prior", "__version__"]

_HOMES = {
    "Estimator": "infogan.estimator",
    "InfoGAN": "infogan.model",
    "InfoganError": "infogan.errors",
    "Prior": "infogan.prior",
}


def __getattr__(name: str) -> Any:  # torch is imported when a class is first used
    if name not in _HOMES:
        raise AttributeError(f"module 'infogan' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__


if find_spec("sklearn") is None:
    __all__.remove("Estimator")  # asked for by name it says what to install
