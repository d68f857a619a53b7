"""AutoInt's forward pass for many rows on a processor, compiled by Numba.

Rows are scored in blocks of `BLOCK`, the row being the last axis of every array in between. So
each step, the 13 × 13 softmax too, is arithmetic on `BLOCK` numbers that stand side by side, which
is what vector units are made for, and a block's arrays stay in the processor's cache. Arrays are
flat and their indices unsigned: that lets the compiler see that nothing overlaps or wraps around.
"""

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

BLOCK = 64
_B, _0, _1, _2, _3, _4 = (np.uintp(number) for number in (BLOCK, 0, 1, 2, 3, 4))
_B2, _B3, _B4, _B6 = (np.uintp(number * BLOCK) for number in (2, 3, 4, 6))
_LOG2_E, _LN_2 = np.float32(1 / np.log(2)), np.float32(np.log(2))
_TAYLOR = tuple(np.float32(1 / f) for f in (2, 6, 24, 120, 720))
_C2, _C3, _C4, _C5, _C6 = _TAYLOR
_ZERO, _ONE, _HALF, _LEAST = (np.float32(number) for number in (0, 1, 0.5, -126))

# sums may be taken in any order, products and sums fused; NaN and infinity keep their meaning
compiled = njit(nogil=True, cache=True, fastmath={"contract", "reassoc", "nsz"})


@compiled
def multiply(weights, at, rows, columns, x, x_at, step, y, y_at, adding):
    """`y = W x`, or `y += W x`, for `W` (rows, columns), `x` (columns, block), `y` (rows, block).

    Each array is flat, with the place where it begins; `step` is how far it is from one column of
    `x` to the next one. Rows and columns are multiples of 4.
    """
    step2, step3 = _2 * step, _3 * step
    for row in range(_0, rows, _4):
        to = y_at + row * _B
        if not adding:
            for n in range(_4 * _B):
                y[to + n] = 0
        for column in range(_0, columns, _4):
            e = at + row * columns + column
            a0, a1, a2, a3 = weights[e], weights[e + _1], weights[e + _2], weights[e + _3]
            e += columns
            b0, b1, b2, b3 = weights[e], weights[e + _1], weights[e + _2], weights[e + _3]
            e += columns
            c0, c1, c2, c3 = weights[e], weights[e + _1], weights[e + _2], weights[e + _3]
            e += columns
            d0, d1, d2, d3 = weights[e], weights[e + _1], weights[e + _2], weights[e + _3]
            of = x_at + column * step
            for n in range(_B):
                x0, x1, x2, x3 = x[of + n], x[of + step + n], x[of + step2 + n], x[of + step3 + n]
                y[to + n] += a0 * x0 + a1 * x1 + a2 * x2 + a3 * x3
                y[to + _B + n] += b0 * x0 + b1 * x1 + b2 * x2 + b3 * x3
                y[to + _B2 + n] += c0 * x0 + c1 * x1 + c2 * x2 + c3 * x3
                y[to + _B3 + n] += d0 * x0 + d1 * x1 + d2 * x2 + d3 * x3


@intrinsic
def _as_float(context, number):
    """The float whose bits are those of an integer."""

    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.int32), generate


@compiled
def softmax(s, at, fields, total):
    """`s` (fields, 2, block) becomes `exp(s - max s)`, and `total` (2, block) one over its sum.

    `exp x = 2ⁿ eʸ` with whole n and |y| ≤ ½ ln 2; eʸ by its Taylor polynomial of degree 6 (error
    below 2e-7), 2ⁿ by writing n into the exponent's bits.
    """
    for n in range(_B2):
        total[n] = s[at + n]
    for f in range(at + _B2, at + fields * _B2, _B2):
        for n in range(_B2):
            total[n] = max(total[n], s[f + n])
    for f in range(at, at + fields * _B2, _B2):
        for n in range(_B2):
            x = max((s[f + n] - total[n]) * _LOG2_E, _LEAST)
            whole = np.floor(x + _HALF)
            y = (x - whole) * _LN_2
            p = _C2 + y * (_C3 + y * (_C4 + y * (_C5 + y * _C6)))
            power = _as_float((np.int32(whole) + np.int32(127)) << np.int32(23))
            s[f + n] = (_ONE + y * (_ONE + y * p)) * power
    for n in range(_B2):
        total[n] = s[at + n]
    for f in range(at + _B2, at + fields * _B2, _B2):
        for n in range(_B2):
            total[n] += s[f + n]
    for n in range(_B2):
        total[n] = _ONE / total[n]


@compiled
def products(q, q0, q1, k, k_at, step, fields, size, s, at):
    """The products of two fields' vectors with every field's: `s` (fields, 2, block).

    Args:
        q, q0, q1: where the two vectors are, each (size / block, block).
        k, k_at, step: where the first of the others is, and how far the next one.
        fields, size: their number and length.
        s, at: where the products go.
    """
    for j in range(_0, fields - _1, _2):
        to = at + j * _B2
        for n in range(_2 * _B2):
            s[to + n] = 0
        for d in range(_0, size, _4 * _B):
            a, b, c = q0 + d, q1 + d, k_at + j * step + d
            e = c + step
            for n in range(_B):
                a0, a1, a2, a3 = q[a + n], q[a + _B + n], q[a + _B2 + n], q[a + _B3 + n]
                b0, b1, b2, b3 = q[b + n], q[b + _B + n], q[b + _B2 + n], q[b + _B3 + n]
                c0, c1, c2, c3 = k[c + n], k[c + _B + n], k[c + _B2 + n], k[c + _B3 + n]
                e0, e1, e2, e3 = k[e + n], k[e + _B + n], k[e + _B2 + n], k[e + _B3 + n]
                s[to + n] += a0 * c0 + a1 * c1 + a2 * c2 + a3 * c3
                s[to + _B + n] += b0 * c0 + b1 * c1 + b2 * c2 + b3 * c3
                s[to + _B2 + n] += a0 * e0 + a1 * e1 + a2 * e2 + a3 * e3
                s[to + _B3 + n] += b0 * e0 + b1 * e1 + b2 * e2 + b3 * e3
    if fields % _2:
        j = fields - _1
        to = at + j * _B2
        for n in range(_B2):
            s[to + n] = 0
        for d in range(_0, size, _B):
            a, b, c = q0 + d, q1 + d, k_at + j * step + d
            for n in range(_B):
                s[to + n] += q[a + n] * k[c + n]
                s[to + _B + n] += q[b + n] * k[c + n]


@compiled
def mix(s, at, v, v_at, step, fields, size, y):
    """For two fields the sum of every field's vector by its weight: `y` (size / block, 2, block).

    Args:
        s, at: where the weights are, (fields, 2, block).
        v, v_at, step: where the first vector is, and how far the next one.
        fields, size: number and length of the vectors.
        y: the sums.
    """
    for n in range(_2 * size):
        y[n] = 0
    fours = fields - fields % _4
    for j in range(_0, fours, _4):
        a, b, v0 = at + j * _B2, at + j * _B2 + _B, v_at + j * step
        v1, v2, v3 = v0 + step, v0 + _2 * step, v0 + _3 * step
        for d in range(_0, size, _B2):
            to, e = _2 * d, d + _B
            for n in range(_B):
                s0, s1, s2, s3 = s[a + n], s[a + _B2 + n], s[a + _B4 + n], s[a + _B6 + n]
                t0, t1, t2, t3 = s[b + n], s[b + _B2 + n], s[b + _B4 + n], s[b + _B6 + n]
                x0, x1, x2, x3 = v[v0 + d + n], v[v1 + d + n], v[v2 + d + n], v[v3 + d + n]
                z0, z1, z2, z3 = v[v0 + e + n], v[v1 + e + n], v[v2 + e + n], v[v3 + e + n]
                y[to + n] += s0 * x0 + s1 * x1 + s2 * x2 + s3 * x3
                y[to + _B + n] += t0 * x0 + t1 * x1 + t2 * x2 + t3 * x3
                y[to + _B2 + n] += s0 * z0 + s1 * z1 + s2 * z2 + s3 * z3
                y[to + _B3 + n] += t0 * z0 + t1 * z1 + t2 * z2 + t3 * z3
    for j in range(fours, fields):
        a, b = at + j * _B2, at + j * _B2 + _B
        for d in range(_0, size, _B):
            v0, to = v_at + j * step + d, _2 * d
            for n in range(_B):
                y[to + n] += s[a + n] * v[v0 + n]
                y[to + _B + n] += s[b + n] * v[v0 + n]


@compiled
def attend(p, p_at, x, x_at, across, down, fields, dim, a, at, keeping, y, total):
    """One head of an interacting layer: its part of `x` becomes `relu(softmax(Q Kᵀ) V + R)`.

    Two fields look at a time: what is read of the others serves both.

    Args:
        p, p_at: where the head's projections Q, K, V and R are, (fields, 4 · dim, block).
        x, x_at, across, down: where the head's output goes, and how far it is there from one field
            to the next one and from one of its numbers to the next one.
        fields, dim: sizes.
        a, at: where the attention goes: if `keeping`, of every two fields, (pairs, fields, 2,
            block), with zeros for a field past the last; else scratch, (fields, 2, block).
        keeping: see `a`.
        y, total: scratch, (dim, 2, block), (2, block).
    """
    size, row = dim * _B, fields * _B2
    step = _4 * size  # from a field's projections to the next one's
    for i in range(_0, fields, _2):
        first, second = p_at + i * step, p_at + min(i + _1, fields - _1) * step
        products(p, first, second, p, p_at + size, step, fields, size, a, at)
        softmax(a, at, fields, total)
        mix(a, at, p, p_at + _2 * size, step, fields, size, y)
        for d in range(_0, dim):
            to, of, r = x_at + i * across + d * down, d * _B2, first + (_3 * dim + d) * _B
            for n in range(_B):
                x[to + n] = max(y[of + n] * total[n] + p[r + n], _ZERO)
        if second != first:
            for d in range(_0, dim):
                to, of, r = x_at + i * across + d * down, d * _B2, second + (_3 * dim + d) * _B
                for n in range(_B):
                    x[to + across + n] = max(y[of + _B + n] * total[_B + n] + p[r + n], _ZERO)
        if keeping:
            if second == first:
                total[_B:] = _ZERO
            for j in range(at, at + row, _B2):
                for n in range(_B2):
                    a[j + n] *= total[n]
            at += row


@compiled
def _gather(table, ids, first, width, y, across, down):
    """`width` columns of the rows that `ids` (block, fields) name.

    In `y` it is `across` from one field to the next one, and `down` from one column to the next.
    """
    for f in range(np.uintp(ids.shape[1])):
        at, row = f * across, table[ids[0, f]]
        if (ids[:, f] == ids[0, f]).all():  # all films of one user
            for c in range(width):
                for n in range(_B):
                    y[at + c * down + n] = row[first + c]
            continue
        for n in range(_B):
            row = table[ids[n, f]]
            for c in range(width):
                y[at + c * down + n] = row[first + c]


@compiled
def _summed(table, ids, sums, y):
    """Sums over fields of the rows of `table` that `ids` (block, fields) name, (columns, block).

    `sums` is scratch, (columns,).
    """
    for n in range(_B):
        sums[:] = 0
        for f in range(ids.shape[1]):
            sums += table[ids[n, f]]
        for c in range(np.uintp(len(sums))):
            y[c * _B + n] = sums[c]


@compiled
def logits(
    ids, heads, dim, first, kernels, readout, sums, pooling, dense, biases, units, vectors, out
):
    """The logits of rows; every size but that of `ids` and `out` is a multiple of 4.

    Args:
        ids: rows of the tables, (rows, fields), at least one row.
        heads, dim: of the interacting layers.
        first: the first layer's projections of every id, each head's query, key, value and
            residual side by side, (ids, heads · 4 · dim); without layers the embedding,
            (ids, heads · dim).
        kernels: those of the other layers, flat, each (heads · 4 · dim, heads · dim).
        readout: of the last layer's output, flat, (classes, heads · dim, fields).
        sums: what every id adds to the MLP's first hidden layer, (ids, units[0]); no columns
            without an MLP.
        pooling: kernel of the pairwise pooling, (units[0], columns of vectors).
        dense: kernels of the MLP's other layers, flat, each (units, units before it).
        biases: of hidden layers and, last, of the logits, flat.
        units: width of the hidden layers and, last, the number of classes.
        vectors: embeddings, (ids, dim); no columns without pairwise pooling.
        out: the logits, (rows, classes).
    """
    heads, dim, fields = np.uintp(heads), np.uintp(dim), np.uintp(ids.shape[1])
    width, wide, classes, step = heads * dim, _4 * dim, np.uintp(units[-1]), fields * _B
    layers = 0 if first.shape[1] == width else 1 + len(kernels) // (4 * width * width)
    p = np.empty(wide * step, np.float32)
    x = np.empty(width * step, np.float32)
    y = np.empty_like(x)
    s = np.empty(fields * _B2, np.float32)
    mixed = np.empty(dim * _B2, np.float32)
    total = np.empty(_B2, np.float32)
    widest = max(units.max(), vectors.shape[1]) * BLOCK
    hidden, before = np.empty(widest, np.float32), np.empty(widest, np.float32)
    answer = np.empty(classes * _B, np.float32)
    row_sums = np.empty(sums.shape[1], np.float32)
    block = np.empty((BLOCK, ids.shape[1]), ids.dtype)
    for start in range(0, len(ids), BLOCK):
        rows = min(BLOCK, len(ids) - start)
        block[:rows] = ids[start : start + rows]
        block[rows:] = ids[start]
        if not layers:
            _gather(first, block, _0, width, x, _B, step)
        for layer in range(layers):
            for head in range(heads):
                if layer:
                    at = (np.uintp(layer - 1) * heads + head) * wide * width
                    for f in range(fields):
                        multiply(kernels, at, wide, width, x, f * _B, step, p, f * wide * _B, False)
                else:
                    _gather(first, block, head * wide, wide, p, wide * _B, _B)
                to = head * dim * step
                attend(p, _0, y, to, _B, step, fields, dim, s, _0, False, mixed, total)
            x, y = y, x
        bias = np.uintp(len(biases)) - classes
        for c in range(classes):
            for n in range(_B):
                answer[c * _B + n] = biases[bias + c]
        multiply(readout, _0, classes, width * fields, x, _0, _B, answer, _0, True)
        if len(row_sums):
            _summed(sums, block, row_sums, hidden)
            at, bias = _0, _0
            if vectors.shape[1]:
                _pooled(vectors, block, before)
                broad = np.uintp(vectors.shape[1])
                multiply(pooling, _0, np.uintp(units[0]), broad, before, _0, _B, hidden, _0, True)
            for layer in range(1, len(units)):
                narrow, broad = np.uintp(units[layer]), np.uintp(units[layer - 1])
                for c in range(broad):
                    for n in range(_B):
                        before[c * _B + n] = max(
                            hidden[c * _B + n] + biases[bias + c], np.float32(0)
                        )
                bias += broad
                if layer == len(units) - 1:
                    multiply(dense, at, narrow, broad, before, _0, _B, answer, _0, True)
                else:
                    multiply(dense, at, narrow, broad, before, _0, _B, hidden, _0, False)
                at += narrow * broad
        for n in range(rows):
            for c in range(out.shape[1]):
                out[start + n, c] = answer[c * BLOCK + n]


@compiled
def _pooled(vectors, ids, y):
    """`½((Σe)² - Σe²)` over the fields of the block's ids, (columns, block)."""
    columns = vectors.shape[1]
    e, squares = np.empty(columns, np.float32), np.empty(columns, np.float32)
    for n in range(_B):
        e[:] = 0
        squares[:] = 0
        for f in range(ids.shape[1]):
            row = vectors[ids[n, f]]
            for c in range(columns):
                e[c] += row[c]
                squares[c] += row[c] * row[c]
        for c in range(np.uintp(columns)):
            y[c * _B + n] = (e[c] * e[c] - squares[c]) * _HALF
