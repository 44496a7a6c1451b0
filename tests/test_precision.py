"""The processor's kind decides; the detection is replaced, so that both kinds are seen anywhere."""

import os

import pytest
import torch

from infogan import precision
from infogan.errors import InfoganError

CPU = torch.device("cpu")


@pytest.fixture(params=["AVX2 only", "AVX512 without BF16", "AVX512-BF16"])
def processor(request, monkeypatch):
    capability = "AVX2" if request.param == "AVX2 only" else "AVX512"
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    has = request.param != "AVX512 without BF16"  # cpuid is not hidden by a lower capability
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: has)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    return request.param


def test_auto_takes_bfloat16_only_where_it_is_in_hardware(processor):
    dtype, why = precision.choose("auto", CPU)
    assert dtype == (torch.bfloat16 if processor == "AVX512-BF16" else torch.float32)
    assert ("has no" in why) == (processor != "AVX512-BF16")


def test_asking_by_hand_is_obeyed_and_warned_of(processor):
    dtype, why = precision.choose("bfloat16", CPU)
    assert dtype == torch.bfloat16
    assert ("times slower" in why) == (processor != "AVX512-BF16")
    assert precision.choose("float32", CPU)[0] == torch.float32


def test_without_a_compiler_compiling_is_one_clear_line(monkeypatch):
    def missing(function):
        def called(*args):
            raise RuntimeError("\nNo working C++ compiler found\nin a long message")

        return called

    monkeypatch.setattr(torch, "compile", missing)
    with pytest.raises(InfoganError, match=r"\(No working C\+\+ compiler found\); install a C\+\+"):
        precision.compiled(CPU, torch.nn.Linear(2, 2))


def test_of_many_processes_each_has_its_own_gpu(monkeypatch):
    asked = []
    monkeypatch.setattr(torch, "empty", lambda n, device: asked.append(device))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    for name, value in (("WORLD_SIZE", "4"), ("RANK", "6"), ("LOCAL_RANK", "2")):
        monkeypatch.setenv(name, value)
    assert precision.device("auto") == torch.device("cuda:2")
    monkeypatch.delenv("WORLD_SIZE")
    assert precision.device("auto") == torch.device("cuda")
    assert asked == ["cuda:2", "cuda"]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_products_are_in_the_format_that_is_asked(dtype):
    x = torch.ones(2, 2)
    with precision.autocast(CPU, dtype):
        assert (x @ x).dtype == dtype
        assert (x + x).dtype == torch.float32
    assert (x @ x).dtype == torch.float32


@pytest.mark.parametrize(
    ("load", "where", "threads", "said"),
    [
        (1.9, "cpu", 0, True),
        (0.3, "cpu", 0, False),
        (1.9, "cuda", 0, False),
        (1.9, "cpu", 1, False),
    ],
)
def test_a_busy_machine_is_said_with_what_helps(monkeypatch, load, where, threads, said):
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 9.0, 9.0))
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    text = precision.crowded(torch.device(where), threads)
    assert bool(text) == said
    assert ("--train.threads 1" in text) == said
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)  # as OMP_NUM_THREADS=1 has it
    assert not precision.crowded(torch.device(where), threads)
