"""Where training runs, in which number format, and of which code, by what the machine has."""

import os
import textwrap

import torch
from torch import nn

from infogan import processes
from infogan.errors import InfoganError

BUSY = 0.75  # of the cores, over the last minute: an idle machine has next to nothing
DEVICES = ("cpu", "cuda", "mps", "xpu")


def device(wanted: str) -> torch.device:
    """The device of that name; auto: a GPU where there is one.

    Raises:
        InfoganError: this machine has no such device.
    """
    name = ("cuda" if torch.cuda.is_available() else "cpu") if wanted == "auto" else wanted
    if name == "cuda" and processes.launched():
        name = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"  # of many processes each has its own
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError, ImportError) as e:
        reason = textwrap.shorten(str(e).splitlines()[0], 120, placeholder=" …")
        raise InfoganError(f"train.device {name!r} cannot be used ({reason}); try cpu") from None
    found = torch.device(name)
    if found.type not in DEVICES:
        raise InfoganError(f"train.device {name!r} computes nothing; try cpu")
    return found


def crowded(where: torch.device, threads: int) -> str:
    """What to do about other work on the same cores, in a sentence; "" where there is none.

    OpenMP's threads wait for each other awake, each on the core that another run wants: two runs of
    two threads on two cores make a quarter of the steps of two runs of one thread.

    Args:
        where: Where training runs.
        threads: That it asks for; 0: as many as there are cores.
    """
    try:
        load = os.getloadavg()[0]
    except (AttributeError, OSError):  # this system does not say
        return ""
    threads, cores = threads or torch.get_num_threads(), os.cpu_count() or 1
    if where.type != "cpu" or 1 in (threads, cores) or load < BUSY * cores:
        return ""
    return (
        f"this machine is busy (load {load:.1f} on {cores} cores): where runs share their cores, "
        "--train.threads 1 for each is several times as fast"
    )


def has_bfloat16(where: torch.device) -> bool:
    """Whether the processor multiplies bfloat16 in hardware (AVX512-BF16 or AMX; a recent GPU).

    Elsewhere bfloat16 works but is emulated: a product was measured 60 to 200 times slower than in
    float32 on a processor with AVX2 only. `ATEN_CPU_CAPABILITY=avx2` hides the instructions.
    """
    if where.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if "AVX512" not in torch.backends.cpu.get_cpu_capability():
        return False
    return torch.cpu._is_avx512_bf16_supported() or has_tiles()


def has_tiles() -> bool:
    """Whether the processor has AMX, with which bfloat16 is many times faster again."""
    return torch.cpu._is_amx_tile_supported()


def choose(wanted: str, where: torch.device) -> tuple[torch.dtype, str]:
    """The format to train in, and one sentence that says which and why.

    Args:
        wanted: auto, bfloat16 or float32.
        where: Where training runs.
    """
    here = has_bfloat16(where)
    if wanted == "float32":
        return torch.float32, "float32, as asked"
    if wanted == "bfloat16" and not here:
        return torch.bfloat16, (
            "bfloat16, as asked, but this processor has no bfloat16 instructions: expect it to be "
            "tens of times slower than --train.precision float32"
        )
    if here:
        return torch.bfloat16, "bfloat16, which this processor has"
    return torch.float32, "float32, since this processor has no bfloat16 instructions"


def autocast(where: torch.device, dtype: torch.dtype) -> torch.autocast:
    """Convolutions and products in that format; in float32 all stays as it is."""
    return torch.autocast(where.type, dtype, enabled=dtype != torch.float32)


def compiled(where: torch.device, *parts: nn.Module) -> None:
    """Let torch.compile make code for these networks, in place, when they are first called.

    Raises:
        InfoganError: it cannot make any here.
    """
    try:
        torch.compile(_something)(torch.ones(8, device=where))
    except (
        Exception
    ) as e:  # what is missing depends on the machine: a compiler, its headers, triton
        reason = next((line for line in str(e).splitlines() if line.strip()), type(e).__name__)
        raise InfoganError(
            f"--train.compile cannot make code on this machine ({reason.strip()}); install a C++ "
            "compiler (g++ or clang++), or leave --train.compile out"
        ) from None
    for part in parts:
        part.compile()


def _something(x: torch.Tensor) -> torch.Tensor:
    return x * 2 + 1
