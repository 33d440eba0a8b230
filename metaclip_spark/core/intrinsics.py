"""Machine operations for which numba has no function. Each docstring says what the operation replaces and why.

All are written in LLVM's portable IR: a machine without AVX-512 compiles the same source to narrower instructions.
Addresses are int64. Each caller must ensure that the memory it reads or writes lies inside a buffer.
"""

# numba calls these functions with types and supplies the values itself, so that arguments appear unused or untyped.
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
_KEEP_IN_CACHE: Final = 3  # locality of llvm.prefetch: 3 = keep in all levels


def _pointer(builder, address, pointee):
    return builder.inttoptr(address, pointee.as_pointer())


def _mask_of(bytes_to_find: bytes):
    """Return an intrinsic that loads 64 bytes and sets a bit for each byte that is in `bytes_to_find`."""

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


# A caption has a delimiter every five bytes, so that a loop over bytes mispredicts at nearly each word. These masks
# compare 64 bytes at once, once per delimiter. The end of a word is then a set bit, found by counting trailing zeros.
space_mask = _mask_of(b" " + WHITESPACE)
mark_mask = _mask_of(PUNCTUATION)


@intrinsic
def load_8_bytes(typing, address):
    """Load eight bytes as a little-endian number. Two of these replace a loop over a word of up to 16 bytes."""

    def generate(context, builder, signature, arguments):
        return builder.load(_pointer(builder, arguments[0], _WORD), align=1)

    return types.uint64(types.int64), generate


@intrinsic
def store_8_bytes(typing, address, value):
    """Store eight bytes. One of these copies a short text; the bytes written past its end are overwritten next."""

    def generate(context, builder, signature, arguments):
        builder.store(arguments[1], _pointer(builder, arguments[0], _WORD), align=1)
        return context.get_dummy_value()

    return types.void(types.int64, types.uint64), generate


def _element(of, numba_type):
    """Return intrinsics that read and write element i of plain memory: get(address, i) and put(address, i, value).

    Scratch memory is addressed instead of passed as arrays. numba passes an array as seven values, counts references to
    it and checks each index for being negative; with seven columns and a call per word, that costs more than the match.
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
    """Start to load a cache line, without waiting for it. Never faults, whatever the address."""

    def generate(context, builder, signature, arguments):
        kind = ir.FunctionType(ir.VoidType(), [_BYTE.as_pointer(), _HALF, _HALF, _HALF])
        name = "llvm.prefetch.p0"
        function = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
        read, data_cache = ir.Constant(_HALF, 0), ir.Constant(_HALF, 1)
        pointer = _pointer(builder, arguments[0], _BYTE)
        builder.call(function, [pointer, read, ir.Constant(_HALF, _KEEP_IN_CACHE), data_cache])
        return context.get_dummy_value()

    return types.void(types.int64), generate


@intrinsic
def trailing_zeros(typing, mask):
    """Return the position of the lowest set bit. `mask` must not be 0; the callers loop while it is not."""

    def generate(context, builder, signature, arguments):
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), generate


@intrinsic
def multiply_fold(typing, a, b):
    """Return both halves of the 128-bit product, xored: one multiplication mixes 16 bytes enough to hash them."""

    def generate(context, builder, signature, arguments):
        wide = [builder.zext(argument, _DOUBLE_WORD) for argument in arguments]
        product = builder.mul(*wide)
        high = builder.trunc(builder.lshr(product, ir.Constant(_DOUBLE_WORD, 64)), _WORD)
        return builder.xor(builder.trunc(product, _WORD), high)

    return types.uint64(types.uint64, types.uint64), generate


def _sorting_steps() -> list[tuple[list[int], list[bool]]]:
    """Return the steps of Batcher's bitonic network for 16 lanes.

    Each step gives the partner of each lane, and whether the lane keeps the larger of both values.
    """
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
        # The choice of lanes is constant, so that this compiles to a blend instead of a computed select.
        lanes = [lane + _LANES if greater else lane for lane, greater in enumerate(keeps_greater)]
        value = builder.shuffle_vector(small, great, ir.Constant(ir.VectorType(_HALF, _LANES), lanes))
    return value


@intrinsic
def sort_16_unique(typing, words, word_count, hits, count, target):
    """Sort up to 16 ids, remove repeats, store the result, and return the number of ids left.

    A row has seven or eight ids. An insertion sort of so few ids spends its time on mispredicted branches; this network
    has a single branch: whether there are repeats. Repeats become padding, and a second pass of the network moves them
    to the end, because a compressing store is slow or absent on most machines.

    The ids are the lanes 0 to `word_count` - 1 of the 16 int32 read at `words`, and the lanes `word_count` to
    `count` - 1 of the 16 int32 read at `hits`. All ids are below 2**31 - 1. Writes 16 int32 at `target`, of which only
    the returned number are valid.
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
        # Lane 0 is compared with padding. They are equal only if the row is empty, and then lane 0 stays padding.
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
