"""Files as other programs write them, by our own hand: safetensors, npz and GGUF; and folders in memory."""

import io
import json
import struct
import zlib
from collections.abc import Mapping
from math import prod
from typing import Any

WIDTHS = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "U8": 1}


class Folder:
    """Members that lie in memory."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = dict(files)

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self.files))

    def size(self, name: str) -> int:
        return len(self.files[name])

    def open(self, name: str) -> io.BytesIO:
        return io.BytesIO(self.files[name])


class Tensor:
    """A type, a shape and the bytes; without bytes, ones that are not zero."""

    def __init__(self, *shape: int, dtype: str = "F32", data: bytes | None = None) -> None:
        self.shape, self.dtype = shape, dtype
        self.data = b"\x01" * (prod(shape) * WIDTHS.get(dtype, 1)) if data is None else data


def zeros(*shape: int, dtype: str = "F32") -> Tensor:
    return Tensor(*shape, dtype=dtype, data=bytes(prod(shape) * WIDTHS[dtype]))


def scalar(value: float, dtype: str = "F32") -> Tensor:
    data = struct.pack("<f", value)[2:] if dtype == "BF16" else struct.pack({"F32": "<f", "F16": "<e"}[dtype], value)
    return Tensor(dtype=dtype, data=data)


def safetensors(tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> bytes:
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    data = b""
    for name, tensor in tensors.items():
        span = [len(data), len(data) + len(tensor.data)]
        header[name] = {"dtype": tensor.dtype, "shape": list(tensor.shape), "data_offsets": span}
        data += tensor.data
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def npy(descr: str, shape: tuple[int, ...], data: bytes) -> bytes:
    """One array as Apple's mlx writes it, with a comma behind every size."""
    sizes = "".join(f"{size}, " for size in shape)
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': ({sizes})}}".encode()
    text += b" " * (-(len(text) + 11) % 16) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


def zipped(files: Mapping[str, bytes], *, deflate: bool = False, **lies: int) -> bytes:
    """A zip. `lies` are numbers to write instead of the true ones: packed, size, offset, count, length, start."""
    body, rows = b"", b""
    for name, data in files.items():
        packed = zlib.compress(data, 9)[2:-4] if deflate else data
        method = 8 if deflate else 0
        sizes = (zlib.crc32(data), lies.get("packed", len(packed)), lies.get("size", len(data)))
        raw = name.encode()
        common = struct.pack("<4H3L2H", 0, method, 0, 0, *sizes, len(raw), 0)
        rows += b"PK\1\2" + struct.pack("<2H", 20, 20) + common + struct.pack("<3H2L", 0, 0, 0, 0, len(body)) + raw
        body += b"PK\3\4" + struct.pack("<H", 20) + common + raw + packed
    count, length, start = (
        lies.get(k, v) for k, v in (("count", len(files)), ("length", len(rows)), ("start", len(body)))
    )
    return body + rows + b"PK\5\6" + struct.pack("<4H2LH", 0, 0, count, count, length, start, 0)


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def gguf_value(value: Any) -> bytes:
    """A typed value: text, a yes or no, u32, f32, or a list of one of these."""
    if isinstance(value, str):
        return struct.pack("<I", 8) + text(value)
    if isinstance(value, bool):
        return struct.pack("<IB", 7, value)
    if isinstance(value, list):
        values = [gguf_value(one) for one in value]
        kind = values[0][:4] if values else struct.pack("<I", 4)
        return struct.pack("<I", 9) + kind + struct.pack("<Q", len(values)) + b"".join(one[4:] for one in values)
    return struct.pack("<II", 4, value) if isinstance(value, int) else struct.pack("<If", 6, value)


def gguf(values: Mapping[str, Any], tensors: Mapping[str, Tensor], alignment: int = 32) -> bytes:
    """A GGUF file of version 3; shapes are given slowest first, and stand there fastest first."""
    codes = {"F32": 0, "F16": 1, "BF16": 30}
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(values))
    head += b"".join(text(key) + gguf_value(value) for key, value in values.items())
    data = b""
    for name, tensor in tensors.items():
        data += bytes(-len(data) % alignment)
        sizes = struct.pack(f"<I{len(tensor.shape)}Q", len(tensor.shape), *reversed(tensor.shape))
        head += text(name) + sizes + struct.pack("<IQ", codes[tensor.dtype], len(data))
        data += tensor.data
    return head + bytes(-len(head) % alignment) + data


def checks(facts: Any) -> list[str]:
    """The names of the findings."""
    return [finding.check for finding in facts.findings]
