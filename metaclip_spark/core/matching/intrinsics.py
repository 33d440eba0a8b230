"""The few machine operations that numba has no name for. Each says what it replaces and why it pays.

All are written in LLVM's portable IR: a machine without AVX-512 compiles the same source to narrower instructions.
Addresses are int64; every caller proves that what it reads or writes lies inside a buffer.
"""

# numba calls these functions with types and fills in the values itself: their arguments look unused or untyped.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, misc"
# ruff: noqa: ANN001, ANN202, ARG001, ARG005

from __future__ import annotations

from typing import Final

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from metaclip_spark.core.spacing import PUNCTUATION, WHITESPACE

_BYTE: Final = ir.IntType(8)
_HALF: Final = ir.IntType(32)
_WORD: Final = ir.IntType(64)
_DOUBLE_WORD: Final = ir.IntType(128)
_CHUNK: Final = ir.VectorType(_BYTE, 64)
_LANES: Final = 16
_IDS: Final = ir.VectorType(_HALF, _LANES)
_PADDING: Final = 2**31 - 1  # sorts after every entry id
_STAYS_IN_CACHE: Final = 3  # llvm.prefetch: locality, 3 = keep in all levels


def _pointer(builder, address, pointee):
    return builder.inttoptr(address, pointee.as_pointer())


def _mask_of(bytes_to_find: bytes):
    """An intrinsic that loads 64 bytes and gives a bit for each that is one of `bytes_to_find`."""

    @intrinsic
    def find(typing, address):
        def generate(context, builder, signature, arguments):
            chunk = builder.load(_pointer(builder, arguments[0], _CHUNK), align=1)
            found = None
            for value in bytes_to_find:
                equal = builder.icmp_unsigned("==", chunk, ir.Constant(_CHUNK, [value] * 64))
                found = equal if found is None else builder.or_(found, equal)
            return builder.bitcast(found, _WORD)

        return types.uint64(types.int64), generate

    return find


# Delimiters: a caption holds one every five bytes, so a loop over bytes mispredicts at nearly each word. One compare
# per byte value over 64 bytes, and the end of each word is a set bit: the next word costs one count of trailing zeros.
space_mask = _mask_of(b" " + WHITESPACE)
mark_mask = _mask_of(PUNCTUATION)


@intrinsic
def load_8_bytes(typing, address):
    """Eight bytes as a little-endian number: a word of up to 16 bytes is two of these, not a loop."""

    def generate(context, builder, signature, arguments):
        return builder.load(_pointer(builder, arguments[0], _WORD), align=1)

    return types.uint64(types.int64), generate


@intrinsic
def prefetch(typing, address):
    """Start loading a cache line of a table, and go on hashing other words while it comes. Never faults."""

    def generate(context, builder, signature, arguments):
        kind = ir.FunctionType(ir.VoidType(), [_BYTE.as_pointer(), _HALF, _HALF, _HALF])
        name = "llvm.prefetch.p0"
        function = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
        read, data_cache = ir.Constant(_HALF, 0), ir.Constant(_HALF, 1)
        pointer = _pointer(builder, arguments[0], _BYTE)
        builder.call(function, [pointer, read, ir.Constant(_HALF, _STAYS_IN_CACHE), data_cache])
        return context.get_dummy_value()

    return types.void(types.int64), generate


@intrinsic
def trailing_zeros(typing, mask):
    """Position of the lowest set bit; `mask` is not 0 (the callers loop while it is not)."""

    def generate(context, builder, signature, arguments):
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), generate


@intrinsic
def multiply_fold(typing, a, b):
    """Both halves of the 128-bit product, xored: one multiplication mixes 16 bytes well enough for a hash table."""

    def generate(context, builder, signature, arguments):
        wide = [builder.zext(argument, _DOUBLE_WORD) for argument in arguments]
        product = builder.mul(*wide)
        high = builder.trunc(builder.lshr(product, ir.Constant(_DOUBLE_WORD, 64)), _WORD)
        return builder.xor(builder.trunc(product, _WORD), high)

    return types.uint64(types.uint64, types.uint64), generate


def _sorting_steps() -> list[tuple[list[int], list[bool]]]:
    """Batcher's bitonic network for 16 lanes: (partner of each lane, whether the lane keeps the greater value)."""
    steps = []
    size = 2
    while size <= _LANES:
        distance = size // 2
        while distance:
            partner = [lane ^ distance for lane in range(_LANES)]
            keeps_greater = [bool(lane & distance) != bool(lane & size) for lane in range(_LANES)]
            steps.append((partner, keeps_greater))
            distance //= 2
        size *= 2
    return steps


def _sort_lanes(builder, value):
    undefined = ir.Constant(_IDS, ir.Undefined)
    for partner, keeps_greater in _sorting_steps():
        other = builder.shuffle_vector(value, undefined, ir.Constant(ir.VectorType(_HALF, _LANES), partner))
        less = builder.icmp_signed("<", value, other)
        small = builder.select(less, value, other)
        great = builder.select(less, other, value)
        # a constant choice of lanes: a blend, not a computed select
        lanes = [lane + _LANES if greater else lane for lane, greater in enumerate(keeps_greater)]
        value = builder.shuffle_vector(small, great, ir.Constant(ir.VectorType(_HALF, _LANES), lanes))
    return value


@intrinsic
def sort_16_unique(typing, source, count, target):
    """Sort up to 16 ids, drop repeats, store them; gives how many are left.

    Reads 16 int32 at `source` of which the first `count` (0 to 16) matter, all below 2**31 - 1, and writes 16 int32 at
    `target`, of which the result's number matter. A row holds seven or eight ids: an insertion sort of so few spends its time in
    mispredicted branches, and this has none. Repeats become padding and a second pass of the network moves them to the
    end, because a compressing store is slow or absent on most machines.
    """

    def generate(context, builder, signature, arguments):
        source, count, target = arguments
        flag = ir.IntType(1)
        undefined = ir.Constant(_IDS, ir.Undefined)
        padding = ir.Constant(_IDS, [_PADDING] * _LANES)
        lane = ir.Constant(_IDS, list(range(_LANES)))
        counts = builder.insert_element(undefined, builder.trunc(count, _HALF), ir.Constant(_HALF, 0))
        counts = builder.shuffle_vector(counts, undefined, ir.Constant(_IDS, [0] * _LANES))
        value = builder.load(_pointer(builder, source, _IDS), align=4)
        value = builder.select(builder.icmp_signed("<", lane, counts), value, padding)
        value = _sort_lanes(builder, value)
        before = builder.shuffle_vector(value, padding, ir.Constant(_IDS, [_LANES, *range(_LANES - 1)]))
        # lane 0 is compared with padding: equal only if the row is empty, and then it is padding anyhow
        value = builder.select(builder.icmp_signed("==", value, before), padding, value)
        value = _sort_lanes(builder, value)
        builder.store(value, _pointer(builder, target, _IDS), align=4)
        is_id = builder.icmp_signed("!=", value, padding)
        bits = builder.zext(builder.bitcast(is_id, ir.IntType(_LANES)), _WORD)
        del flag
        return builder.ctpop(bits)

    return types.int64(types.int64, types.int64, types.int64), generate
