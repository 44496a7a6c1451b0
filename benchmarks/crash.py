"""Kill a run at random moments, go on, and compare the final model byte for byte.

    python benchmarks/crash.py [--trials 10] [--updates 200] [--recipe mnist] [--seed 0]

Each trial is killed (SIGKILL) once to three times, at a moment drawn evenly from the time that the
uninterrupted run took, and goes on with --resume. Exit code 1 if any final model differs.
"""

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--updates", type=int, default=200)
    parser.add_argument("--recipe", default="mnist")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    args = parser.parse_args()
    draw = random.Random(args.seed)

    with tempfile.TemporaryDirectory() as folder:

        def command(out: Path) -> list[str]:
            flags = ["--train.updates", str(args.updates), "--train.checkpoint-every", "40"]
            return [
                *(sys.executable, "-m", "infogan", "train", args.recipe, "--out", str(out)),
                *("--no-report", "--train.sample-every", "90", *flags),
            ]

        whole = Path(folder) / "whole"
        began = time.perf_counter()
        subprocess.run(command(whole), check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - began
        expected = (whole / "model/model.safetensors").read_bytes()
        print(f"uninterrupted: {seconds:.1f} s, {len(expected):,} bytes of model", flush=True)

        different = 0
        for trial in range(args.trials):
            out = Path(folder) / f"trial{trial}"
            moments = []
            for _ in range(draw.randint(1, 3)):
                moments.append(draw.uniform(0, seconds))
                process = subprocess.Popen(
                    [*command(out), "--resume"],
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
                try:
                    process.wait(timeout=moments[-1])
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
            subprocess.run([*command(out), "--resume"], check=True, stdout=subprocess.DEVNULL)
            same = (out / "model/model.safetensors").read_bytes() == expected
            different += not same
            killed = ", ".join(f"{m:.1f}" for m in moments)
            print(f"trial {trial}: killed after {killed} s: {'same' if same else 'DIFFERENT'}")
            sys.stdout.flush()
            shutil.rmtree(out)
        print(f"{args.trials - different} of {args.trials} final models are byte-identical")
        sys.exit(bool(different))


if __name__ == "__main__":
    main()
