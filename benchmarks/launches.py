"""Launch two processes of a short training many times: does every launch end cleanly?

    python benchmarks/launches.py [--launches 20] [--processes 2] [--updates 3]

gloo aborts at exit now and then where Python takes it down (torch 2.13). Exit code 1 if any fails.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TINY = ["--net.widths", "4", "8", "--net.fc", "16", "--train.batch", "16", "--train.threads", "1"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--launches", type=int, default=20)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--updates", type=int, default=3)
    args = parser.parse_args()
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node"]
    clean = 0
    with tempfile.TemporaryDirectory() as folder:
        for i in range(args.launches):
            out = Path(folder) / str(i)
            train = ["-m", "infogan", "train", "mnist-paper", "--no-report", "--out", str(out)]
            command = [*launcher, str(args.processes), *train, *TINY]
            command += ["--train.updates", str(args.updates)]
            began = time.perf_counter()
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            good = done.returncode == 0 and (out / "model/model.safetensors").is_file()
            clean += good
            seconds = time.perf_counter() - began
            print(f"launch {i + 1}: exit {done.returncode}, {seconds:.1f} s", flush=True)
            if not good:
                print(done.stdout + done.stderr, flush=True)
    print(f"{clean} of {args.launches} launches ended cleanly")
    sys.exit(clean < args.launches)


if __name__ == "__main__":
    main()
