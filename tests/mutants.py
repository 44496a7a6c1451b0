"""Do the tests catch the known defects of other implementations? Write each into a copy and see.

    python tests/mutants.py            # a minute or two; exit code 1 if any defect passes unseen

Not run by pytest: it runs pytest. `tests/README.md` says which test answers which defect.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
TESTS = [
    "objective",
    "pairs",
    "merging",
    "groups",
    "state",
    "training",
    "adversarial",
    "codes",
    "prior",
    "model",
    "networks",
    "layers",
    "votes",
]


class Defect(NamedTuple):
    """What is wrong, where, and the change that brings it in."""

    name: str
    file: str
    right: str
    wrong: str


DEFECTS = [
    Defect(
        "the bound has no gradient (values re-wrapped)",
        "objective.py",
        "q[code.name].log_prob(c[code.name]).mean() + code.entropy()",
        "q[code.name].log_prob(c[code.name]).detach().mean() + code.entropy()",
    ),
    Defect(
        "Q's head is left out of the optimizer",
        "state.py",
        "parameters_of(model.trunk, model.D, model.Q)",
        "parameters_of(model.trunk, model.D)",
    ),
    Defect(
        "softmax before cross-entropy",
        "codes.py",
        "CategoricalDistribution(logits=params, validate_args=False)",
        "CategoricalDistribution(logits=params.softmax(1), validate_args=False)",
    ),
    Defect(
        "sigma is at least 1 (ReLU on the log-variance)",
        "codes.py",
        "F.softplus(params[:, self.d :]) + self.floor",
        "(F.relu(params[:, self.d :]) / 2).exp()",
    ),
    Defect(
        "the trunk gets no gradient of the bound",
        "objective.py",
        "h_fake.detach() if w.plain else h_fake",
        "h_fake.detach()",
    ),
    Defect(
        "a code's log-probabilities are averaged, not summed",
        "codes.py",
        "return Independent(Normal(mu, sigma, validate_args=False), 1, validate_args=False)",
        "q = Independent(Normal(mu, sigma, validate_args=False), 1, validate_args=False)\n"
        "        q.log_prob = lambda c: Normal(mu, sigma).log_prob(c).mean(1)\n"
        "        return q",
    ),
    Defect(
        "lambda is shared out among the codes",
        "objective.py",
        "sum(lam[name] * bound[name] for name in bound)",
        "sum(lam[name] * bound[name] for name in bound) / len(bound)",
    ),
    Defect(
        "Uniform is scored with the entropy of N(0, 1)",
        "codes.py",
        "return self.d * math.log(self.high - self.low)",
        "return self.d / 2 * math.log(2 * math.pi * math.e)",
    ),
    Defect(
        "sigma is 1, whatever Q says",
        "codes.py",
        "sigma = F.softplus(params[:, self.d :]) + self.floor",
        "sigma = torch.ones_like(mu)",
    ),
    Defect(
        "the losses of D and G are swapped",
        "adversarial.py",
        "return softplus(-fake).mean()  # −ln σ(fake)",
        "return softplus(fake).mean()",
    ),
    Defect(
        "D's loss has its signs swapped",
        "adversarial.py",
        "return softplus(-real).mean() + softplus(fake).mean()",
        "return softplus(real).mean() + softplus(-fake).mean()",
    ),
    Defect(
        "G gets no gradient of the bound",
        "objective.py",
        'loss = terms["loss_G"] - sum(w.lam[name] * bound[name] for name in bound)',
        'loss = terms["loss_G"] - sum(w.lam[n] * bound[n].detach() for n in bound)',
    ),
    Defect(
        "the bound is minimized (sign lost)",
        "objective.py",
        'loss = terms["loss_D"] - sum(',
        'loss = terms["loss_D"] + sum(',
    ),
    Defect(
        "batch norm looks at the batch in evaluation",
        "model.py",
        "        self.eval()\n        try:",
        "        self.train()\n        try:",
    ),
    Defect(
        "an image votes for itself",
        "votes.py",
        "product[(numbers >= N) | (numbers == part[:, None])] = -torch.inf",
        "product[numbers >= N] = -torch.inf",
    ),
    Defect(
        "K = 10 is hard-coded",
        "codes.py",
        "return torch.randint(self.k, (n,), generator=generator)",
        "return torch.randint(10, (n,), generator=generator)",
    ),
    Defect(
        "Q's log-probabilities stay in bfloat16",
        "prior.py",
        "params = params if params.dtype == torch.float64 else params.float()",
        "params = params",
    ),
    Defect(
        "batch norm mixes real and generated images",
        "networks/layers.py",
        "if any(isinstance(part, _BatchNorm) for part in layer.modules()):",
        "if False:",
    ),
    Defect(
        "images that look alike bend the trunk",
        "objective.py",
        "for features in (h.detach(), h_near)",
        "for features in (h, h_near)",
    ),
    Defect(
        "a later slider moves those before it",
        "pairs.py",
        "_correlations(within, within.detach())",
        "_correlations(within, within)",
    ),
    Defect(
        "what small categories have in common counts for less",
        "merging.py",
        "s = P * (r[:, None] + r) / product.clamp_min(torch.finfo(P.dtype).tiny)",
        "s = P / (r[:, None] + r)",
    ),
    Defect(
        "a group is as likely as its likeliest category",
        "groups.py",
        "index_add_(1, torch.tensor(self.of, device=p.device), p)",
        'scatter_reduce(1, torch.tensor(self.of).expand_as(p), p, "amax")',
    ),
]


def caught(defect: Defect) -> str | None:
    """The test that fails on a copy with the defect, or None."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "src"
        shutil.copytree(ROOT / "src", source, ignore=shutil.ignore_patterns("__pycache__"))
        file = source / "infogan" / defect.file
        text = file.read_text("utf-8")
        if text.count(defect.right) != 1:
            raise SystemExit(f"{defect.name}: its line is not in {defect.file} exactly once")
        file.write_text(text.replace(defect.right, defect.wrong), "utf-8")
        tests = [str(ROOT / "tests" / f"test_{name}.py") for name in TESTS]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-x", "-n", "2", "-p", "no:cacheprovider", *tests],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(source), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
    return failed[0].split(" ")[1].partition("::")[2] if failed else None


def main() -> None:
    unseen = 0
    for defect in DEFECTS:
        test = caught(defect)
        unseen += test is None
        print(f"{'caught' if test else 'UNSEEN':7s} {defect.name}: {test}", flush=True)
    print(f"{len(DEFECTS) - unseen} of {len(DEFECTS)} defects caught")
    sys.exit(bool(unseen))


if __name__ == "__main__":
    main()
