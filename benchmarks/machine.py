"""Which machine the numbers are from."""

import os
import re
import sys
from pathlib import Path

import torch

from infogan import precision

CPU = torch.device("cpu")


def named(dtype: torch.dtype) -> str:
    """`bfloat16`."""
    return str(dtype).removeprefix("torch.")


def machine(device: torch.device = CPU) -> dict[str, str]:
    """The GPU, if it is one; processor, instructions in use, number format, threads, versions."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    gpu = {"gpu": torch.cuda.get_device_name(device)} if device.type == "cuda" else {}
    return gpu | {
        "processor": names[0] if names else "unknown",
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "oneDNN": os.environ.get("ONEDNN_MAX_CPU_ISA", "all"),
        "tiles": str(precision.has_tiles()),
        "precision": precision.choose("auto", device)[1],
        "threads": str(torch.get_num_threads()),
        "torch": torch.__version__,
        "python": sys.version.split()[0],
    }


def kind(device: torch.device = CPU) -> str:
    """`avx512-amx-bfloat16`, `avx512-bfloat16` or `avx2-float32`: instructions and the format that
    training picks; `nvidia-h200-bfloat16`: the GPU and that."""
    dtype, _ = precision.choose("auto", device)
    if device.type == "cuda":
        name = re.sub(r"\W+", "-", torch.cuda.get_device_name(device)).lower()
        return f"{name}-{named(dtype)}"
    instructions = torch.backends.cpu.get_cpu_capability().lower().replace(" ", "")
    tiles = "-amx" if dtype == torch.bfloat16 and precision.has_tiles() else ""
    return f"{instructions}{tiles}-{named(dtype)}"
