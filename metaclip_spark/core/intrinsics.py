"""The few machine operations that numba has no name for. Each says what it replaces and why it pays.

All are written in LLVM's portable IR: a machine without AVX-512 compiles the same source to narrower instructions.
Addresses are int64; every caller proves that what it reads or writes lies inside a buffer.
"""

# numba calls these functions with types and fills in the values itself: their arguments look unused or untyped.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, misc"
# ruff: noqa: ANN001, ANN201, ANN202, ARG001, PLR0917

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
def store_8_bytes(typing, address, value):
    """Write eight bytes: a short text is copied by one of these, and what it writes too far is written over next."""

    def generate(context, builder, signature, arguments):
        builder.store(arguments[1], _pointer(builder, arguments[0], _WORD), align=1)
        return context.get_dummy_value()

    return types.void(types.int64, types.uint64), generate


def _element(of, numba_type):
    """Intrinsics that read and write element i of plain memory: (address, i) and (address, i, value).

    Scratch is addressed, not held in arrays: numba passes an array as seven values and counts references to it, which
    for seven columns in a call per word costs more than the match; and it checks each index for being negative.
    """

    @intrinsic
    def get(typing, address, index):
        def generate(context, builder, signature, arguments):
            return builder.load(builder.gep(_pointer(builder, arguments[0], of), [arguments[1]]))

        return numba_type(types.int64, types.int64), generate

    @intrinsic
    def put(typing, address, index, value):
        def generate(context, builder, signature, arguments):
            builder.store(arguments[2], builder.gep(_pointer(builder, arguments[0], of), [arguments[1]]))
            return context.get_dummy_value()

        return types.void(types.int64, types.int64, numba_type), generate

    return get, put


get_u64, put_u64 = _element(_WORD, types.uint64)
get_i64, put_i64 = _element(_WORD, types.int64)
get_i32, put_i32 = _element(_HALF, types.int32)
get_u16, _ = _element(ir.IntType(16), types.uint16)  # pilots are only read


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
def sort_16_unique(typing, words, word_count, hits, count, target):
    """Sort up to 16 ids, drop repeats, store them; gives how many are left.

    A row holds seven or eight ids: an insertion sort of so few spends its time in mispredicted branches, and this has
    one only, whether there are repeats. Repeats become padding, and a second pass of the network moves them to the end:
    a compressing store is slow or absent on most machines.

    Reads 16 int32 at `words`, of which the first `word_count` matter, and 16 at `hits`, of which those from lane
    `word_count` to lane `count` - 1 matter; all ids are below 2**31 - 1. Writes 16 int32 at `target`, of which the
    first matter, as many as the result says.
    """

    def generate(context, builder, signature, arguments):
        words, word_count, hits, count, target = arguments
        undefined = ir.Constant(_IDS, ir.Undefined)
        padding = ir.Constant(_IDS, [_PADDING] * _LANES)
        lane = ir.Constant(_IDS, list(range(_LANES)))

        def below(limit):
            first = builder.insert_element(undefined, builder.trunc(limit, _HALF), ir.Constant(_HALF, 0))
            return builder.icmp_signed(
                "<", lane, builder.shuffle_vector(first, undefined, ir.Constant(_IDS, [0] * _LANES))
            )

        value = builder.load(_pointer(builder, words, _IDS), align=4)
        value = builder.select(below(word_count), value, builder.load(_pointer(builder, hits, _IDS), align=4))
        value = _sort_lanes(builder, builder.select(below(count), value, padding))
        before = builder.shuffle_vector(value, padding, ir.Constant(_IDS, [_LANES, *range(_LANES - 1)]))
        # lane 0 is compared with padding: equal only if the row is empty, and then it is padding anyhow
        repeats = builder.icmp_signed("==", value, before)
        any_repeat = builder.and_(repeats, builder.icmp_signed("!=", value, padding))
        any_repeat = builder.icmp_unsigned(
            "!=", builder.bitcast(any_repeat, ir.IntType(_LANES)), ir.Constant(ir.IntType(_LANES), 0)
        )
        straight = builder.block
        with builder.if_then(any_repeat):
            distinct = _sort_lanes(builder, builder.select(repeats, padding, value))
            sorted_again = builder.block
        result = builder.phi(_IDS)
        result.add_incoming(value, straight)
        result.add_incoming(distinct, sorted_again)
        builder.store(result, _pointer(builder, target, _IDS), align=4)
        kept = builder.bitcast(builder.icmp_signed("!=", result, padding), ir.IntType(_LANES))
        return builder.zext(builder.ctpop(kept), _WORD)

    return types.int64(types.int64, types.int64, types.int64, types.int64, types.int64), generate
