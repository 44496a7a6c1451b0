"""Every speed that README and docs/scale.md speak of, in one run: `make bench`.

    python benchmarks/bench.py [--port CHECKOUT] [--rounds 25] [--device cpu] [--folder docs/bench]

What is compared takes turns, round by round, so that a busy machine slows all alike. Medians; the
spread is the quarter and three quarters of the rounds. Shares are of the rate of large convolutions
in the same number format, measured in the same rounds; operations are counted in `operations.py`.
Processes that share a processor, start-up and memory are measured on the processor alone.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import torch
from lines import Line
from machine import kind, machine
from processes import processes
from rates import same_categories, steps_and_batches
from startup import commands

from infogan import precision
from infogan.model import InfoGAN


def port(checkout: Path, rounds: int, device: torch.device) -> list[Line]:
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        here = Path(__file__).with_name("port.py")
        args = [str(checkout.absolute()), "--steps", str(rounds), "--json", file.name]
        args += ["--device", device.type]
        subprocess.run([sys.executable, str(here), *args], check=True, stdout=subprocess.DEVNULL)
        found = json.loads(Path(file.name).read_text())
    rates, ratios = found["images_per_s"], found["ratio"]
    lines = [Line("step of Natsu6767's port, paper's nets", *3 * [rates["port"]])]
    for name, ratio in ratios.items():
        rate = rates[name]
        lines.append(Line(f"{name}, beside it", rate, rate, rate, ratio=ratio, to="the port"))
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=Path, help="checkout of Natsu6767/InfoGAN-PyTorch")
    parser.add_argument("--model", type=Path, help="a trained run, for encode's categories")
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--folder", type=Path, default=Path("docs/bench"))
    args = parser.parse_args()
    device = precision.device(args.device)
    lines: list[Line] = []

    def show(new: list[Line]) -> None:
        lines.extend(new)
        print(*new, sep="\n", flush=True)

    print(*(f"{k}: {v}" for k, v in machine(device).items()), sep="\n")
    show(steps_and_batches(args.rounds, device))
    if args.port:
        show(port(args.port, 2 * args.rounds, device))
    if args.model:
        show([same_categories(InfoGAN.from_pretrained(args.model).to(device))])
    if device.type == "cpu":
        show(processes(3))
        with tempfile.TemporaryDirectory() as folder:
            show(commands(Path(folder), 3))
    table = {"machine": machine(device), "lines": [asdict(x) for x in lines]}
    args.folder.mkdir(parents=True, exist_ok=True)
    file = args.folder / f"bench-{kind(device)}.json"
    file.write_text(json.dumps(table, indent=1) + "\n")
    print(file)


if __name__ == "__main__":
    main()
