"""A process that decodes pictures: reads jobs from its input, writes pixels to its output.

It is no `multiprocessing` worker: it imports neither torch nor the user's script, and ends when its
parent does, however that ended.

    job:     length (4 bytes), JSON {form, items: [[kind, …], …]}, the items' own bytes
    answer:  length (4 bytes), JSON {refused: [[i, reason], …], seen: [[…], …]}, pixels
"""

import json
import os
import signal
import struct
import sys
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from infogan.pictures.decode import Content, Form, Refusal, decode


def main() -> None:
    """Answer jobs until there is no parent any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # a decoder that prints would spoil the answers
    while (job := receive(sys.stdin.buffer)) is not None:
        form = Form(**{**job["form"], "background": tuple(job["form"]["background"])})
        contents = [_content(item, sys.stdin.buffer) for item in job["items"]]
        refused, seen, pixels = decoded(contents, form)
        send(out, {"refused": refused, "seen": seen}, pixels)


def decoded(
    contents: Sequence[Content], form: Form
) -> tuple[list[tuple[int, str]], list[tuple[Any, ...]], bytes]:
    """What is refused (which, why), what the others were, and their pixels, one after another."""
    refused: list[tuple[int, str]] = []
    seen: list[tuple[Any, ...]] = []
    pixels: list[bytes] = []
    for i, content in enumerate(contents):
        try:
            x, was = decode(content, form)
        except Refusal as e:
            refused.append((i, str(e)))
            continue
        seen.append(astuple(was))
        pixels.append(x.tobytes())
    return refused, seen, b"".join(pixels)


def packed(content: Content) -> tuple[list[Any], bytes]:
    """A content as it stands in a job: its description, and bytes that follow."""
    if isinstance(content, Path):
        return ["path", str(content)], b""
    if isinstance(content, bytes):
        return ["bytes", len(content)], content
    body = np.ascontiguousarray(content)
    return ["array", body.dtype.str, list(body.shape)], body.tobytes()


def _content(item: list[Any], stream: BinaryIO) -> Content:
    kind = item[0]
    if kind == "path":
        return Path(item[1])
    if kind == "bytes":
        return stream.read(item[1])
    dtype, shape = np.dtype(item[1]), tuple(item[2])
    body = stream.read(dtype.itemsize * int(np.prod(shape)))
    return np.frombuffer(body, dtype).reshape(shape)


def send(stream: BinaryIO, message: dict[str, Any], body: bytes = b"") -> None:
    text = json.dumps(message).encode("ascii")  # odd bytes in names survive, escaped
    stream.write(struct.pack("<I", len(text)) + text + body)
    stream.flush()


def receive(stream: BinaryIO) -> dict[str, Any] | None:
    head = stream.read(4)
    if len(head) < 4:
        return None
    message: dict[str, Any] = json.loads(stream.read(struct.unpack("<I", head)[0]))
    return message
