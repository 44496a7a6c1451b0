import torch
from torch.nn.modules.batchnorm import _BatchNorm as BatchNorm

from infogan.config import NetConfig
from infogan.model import InfoGAN
from infogan.recalibration import recalibrate

SMALL = NetConfig(widths=(4, 8), fc=8, q_hidden=8, q_norm=True)


def test_recalibrated_statistics_are_those_of_the_data():
    model = InfoGAN("z3 + cat4", (1, 8, 8), SMALL)
    g = torch.Generator().manual_seed(0)
    latents = [model.prior.embed(*model.prior.sample(64, g)) for _ in range(4)]
    recalibrate(model, [torch.rand(64, 1, 8, 8, generator=g) for _ in range(4)], latents)
    first_norm = model.G[0][1]
    before = torch.cat([model.G[0][0](latent) for latent in latents]).detach()
    assert torch.allclose(first_norm.running_mean, before.mean(0), atol=1e-5)
    assert first_norm.momentum == 0.1
    assert not model.training


def test_recalibrated_the_trunk_has_the_mean_and_variance_of_real_and_generated_as_one():
    """Also where these are far apart: then the spread of both is more than that of each."""
    model = InfoGAN("z3 + cat4", (1, 8, 8), SMALL)
    g = torch.Generator().manual_seed(0)
    latents = [model.prior.embed(*model.prior.sample(64, g)) for _ in range(2)]
    real = [5 + torch.rand(64, 1, 8, 8, generator=g) for _ in range(2)]
    recalibrate(model, real, latents)
    norm = next(m for m in model.trunk.modules() if isinstance(m, BatchNorm))
    seen: list[torch.Tensor] = []
    norm.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    with torch.no_grad():
        for x, latent in zip(real, latents, strict=True):
            model.trunk(torch.cat([x, model.G(latent)]))
    whole = torch.stack([h.transpose(0, 1).flatten(1).var(1) for h in seen]).mean(0)
    apart = torch.stack([h[:64].transpose(0, 1).flatten(1).var(1) for h in seen]).mean(0)
    assert torch.allclose(norm.running_var, whole, rtol=1e-4)
    assert (whole > 2 * apart).any()
