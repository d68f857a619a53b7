"""AutoInt's forward and backward pass on CPUs, compiled by Numba.

Rows are processed in blocks of `BLOCK`, and the row is the last axis of every intermediate array.
So each step, including the 13 × 13 softmax, is arithmetic on `BLOCK` adjacent numbers, which suits
vector units, and a block's arrays stay in the CPU cache. Arrays are flat with unsigned indices, so
that the compiler can prove that nothing overlaps or wraps around.

`logits` scores many rows; `gradients` computes a training step's loss and gradients.

Compiled functions that use each other are all in this one file: Numba recompiles a function when
the file that defines it has changed, but does not notice a change in another file.
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

# Sums may be reordered and fused with products; NaN and infinity keep their meaning.
compiled = njit(nogil=True, cache=True, fastmath={"contract", "reassoc", "nsz"})


@compiled
def multiply(weights, at, rows, columns, x, x_at, step, y, y_at, adding):
    """`y = W x`, or `y += W x`, for `W` (rows, columns), `x` (columns, block), `y` (rows, block).

    Arrays are flat; `at`, `x_at` and `y_at` are the positions of the first element, and `step` is
    the distance between two columns of `x`. Rows and columns are multiples of 4.
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
    """The float with the same bits as an integer."""

    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.int32), generate


@compiled
def softmax(s, at, fields, total):
    """Set `s` (fields, 2, block) to `exp(s - max s)` and `total` (2, block) to 1 / its sum.

    `exp x = 2ⁿ eʸ` with integer n and |y| ≤ ½ ln 2; eʸ is its Taylor polynomial of degree 6 (error
    below 2e-7), and 2ⁿ is made by writing n into the exponent bits.
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
    """Dot products of two query fields with every key field: `s` (fields, 2, block).

    Args:
        q, q0, q1: array and positions of the two queries, each (size / block, block).
        k, k_at, step: array and position of the first key, and the distance between keys.
        fields, size: number and length of the keys.
        s, at: array and position of the products.
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
    """Weighted sums of all fields' vectors for two query fields: `y` (size / block, 2, block).

    Args:
        s, at: array and position of the weights, (fields, 2, block).
        v, v_at, step: array and position of the first vector, and the distance between vectors.
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
    """One head of an interacting layer: sets its part of `x` to `relu(softmax(Q Kᵀ) V + R)`.

    Query fields are processed in pairs, so that each key and value is read once for both.

    Args:
        p, p_at: array and position of the head's projections Q, K, V and R, (fields, 4 · dim,
            block).
        x, x_at, across, down: array and position of the head's output, and its distances between
            two fields and between two numbers of a field.
        fields, dim: sizes.
        a, at: array and position of the attention. If `keeping`: of every pair of query fields,
            (pairs, fields, 2, block), with zeros for a field past the last. Otherwise scratch
            space, (fields, 2, block).
        keeping: see `a`.
        y, total: scratch space, (dim, 2, block), (2, block).
    """
    size, row = dim * _B, fields * _B2
    step = _4 * size  # distance between the projections of two fields
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
    """Copy `width` columns of the table rows `ids` (block, fields) into `y`.

    `across` and `down` are the distances in `y` between two fields and between two columns.
    """
    for f in range(np.uintp(ids.shape[1])):
        at, row = f * across, table[ids[0, f]]
        if (ids[:, f] == ids[0, f]).all():  # the same id in the whole block, such as one user's
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
    """Set `y` (columns, block) to the sums over fields of the table rows `ids` (block, fields).

    `sums` is scratch space, (columns,).
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
    """Compute the logits of rows. All sizes except those of `ids` and `out` are multiples of 4.

    Args:
        ids: row numbers in the tables, (rows, fields), at least one row.
        heads, dim: number and size of the heads.
        first: the first layer's projections of every id, with each head's query, key, value and
            residual next to each other, (ids, heads · 4 · dim); without layers the embeddings,
            (ids, heads · dim).
        kernels: the other layers' kernels, flat, each (heads · 4 · dim, heads · dim).
        readout: kernel of the logits, flat, (classes, heads · dim, fields).
        sums: each id's contribution to the MLP's first hidden layer, (ids, units[0]); no columns
            without an MLP.
        pooling: kernel of the pairwise pooling, (units[0], columns of vectors).
        dense: kernels of the MLP's other layers, flat, each (units, units of the layer before).
        biases: biases of the hidden layers, then of the logits, flat.
        units: widths of the hidden layers, then the number of classes.
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


@compiled
def _outer(a, rows, b, columns, length, out, at):
    """`out += A Bᵀ` for `A` (rows, length) and `B` (columns, length), multiples of 4 and BLOCK."""
    l2, l3 = _2 * length, _3 * length
    for row in range(_0, rows, _4):
        for column in range(_0, columns, _4):
            p, q = row * length, column * length
            s00 = s01 = s02 = s03 = s10 = s11 = s12 = s13 = _ZERO
            s20 = s21 = s22 = s23 = s30 = s31 = s32 = s33 = _ZERO
            for n in range(length):
                a0, a1, a2, a3 = a[p + n], a[p + length + n], a[p + l2 + n], a[p + l3 + n]
                b0, b1, b2, b3 = b[q + n], b[q + length + n], b[q + l2 + n], b[q + l3 + n]
                s00 += a0 * b0
                s01 += a0 * b1
                s02 += a0 * b2
                s03 += a0 * b3
                s10 += a1 * b0
                s11 += a1 * b1
                s12 += a1 * b2
                s13 += a1 * b3
                s20 += a2 * b0
                s21 += a2 * b1
                s22 += a2 * b2
                s23 += a2 * b3
                s30 += a3 * b0
                s31 += a3 * b1
                s32 += a3 * b2
                s33 += a3 * b3
            e = at + row * columns + column
            for n, sums in enumerate(
                (
                    (s00, s01, s02, s03),
                    (s10, s11, s12, s13),
                    (s20, s21, s22, s23),
                    (s30, s31, s32, s33),
                )
            ):
                for m, value in enumerate(sums):
                    out[e + np.uintp(n) * columns + np.uintp(m)] += value


@compiled
def _mix_back(s, at, v, v_at, step, fields, dim, j, y):
    """Weighted sums of the query fields' vectors for the key fields j and j + 1.

    Args:
        s, at: array and position of the weights, (pairs, fields, 2, block); the weights of a field
            past the last are zeros.
        v, v_at, step: array and position of the first vector, and the distance between vectors.
        fields, dim: number and length of the vectors.
        j: the first key field.
        y: the sums, (dim, 2, block).
    """
    for n in range(dim * _B2):
        y[n] = _ZERO
    for i in range(_0, fields, _2):
        a = at + (i // _2 * fields + j) * _B2
        v0, w0 = v_at + i * step, v_at + min(i + _1, fields - _1) * step
        for d in range(_0, dim * _B, _B2):
            to, e = _2 * d, d + _B
            for n in range(_B):
                s0, s1, t0, t1 = s[a + n], s[a + _B + n], s[a + _B2 + n], s[a + _B3 + n]
                x0, x1, z0, z1 = v[v0 + d + n], v[w0 + d + n], v[v0 + e + n], v[w0 + e + n]
                y[to + n] += s0 * x0 + s1 * x1
                y[to + _B + n] += t0 * x0 + t1 * x1
                y[to + _B2 + n] += s0 * z0 + s1 * z1
                y[to + _B3 + n] += t0 * z0 + t1 * z1


@compiled
def _put(y, dim, i, fields, x, at):
    """Copy the vectors `y` (dim, 2, block) to fields i and i + 1 of `x` (dim, fields, block)."""
    for d in range(_0, dim):
        to = at + (d * fields + i) * _B
        for n in range(_B):
            x[to + n] = y[d * _B2 + n]
        if i + _1 < fields:
            for n in range(_B):
                x[to + _B + n] = y[d * _B2 + _B + n]


@compiled
def _attend_back(p, p_at, g, g_at, width, fields, dim, a, at, ds, total, y, dp):
    """Backward pass of one head.

    Args:
        p, p_at: array and position of the head's projections.
        g, g_at, width: array and position of the gradient before the ReLU, (fields, width / block,
            block), from the head's first column on.
        fields, dim: sizes.
        a, at: array and position of the head's attention.
        ds, total, y: scratch space; `ds` is two blocks larger than the head's attention.
        dp: gradient of the projections, (4 · dim, fields, block).
    """
    size = dim * _B
    step, part = _4 * size, size * fields
    for i in range(_0, fields, _2):
        first, second = g_at + i * width, g_at + min(i + _1, fields - _1) * width
        of, to = at + i * fields * _B, i * fields * _B
        products(g, first, second, p, p_at + _2 * size, step, fields, size, ds, to)
        for n in range(_B2):
            total[n] = _ZERO
        for j in range(_0, fields * _B2, _B2):
            for n in range(_B2):
                total[n] += a[of + j + n] * ds[to + j + n]
        for j in range(_0, fields * _B2, _B2):
            for n in range(_B2):
                ds[to + j + n] = a[of + j + n] * (ds[to + j + n] - total[n])
        mix(ds, to, p, p_at + size, step, fields, size, y)
        _put(y, dim, i, fields, dp, _0)
    for j in range(_0, fields, _2):
        _mix_back(ds, _0, p, p_at, step, fields, dim, j, y)
        _put(y, dim, j, fields, dp, part)
        _mix_back(a, at, g, g_at, width, fields, dim, j, y)
        _put(y, dim, j, fields, dp, _2 * part)
    for f in range(fields):
        for d in range(_0, dim):
            to, of = _3 * part + (d * fields + f) * _B, g_at + f * width + d * _B
            for n in range(_B):
                dp[to + n] = g[of + n]


@compiled
def _cross_entropy(z, classes, targets, rows, scale, losses):
    """Set `losses` to the cross-entropy and the logits `z` (classes, block) to gradient · scale."""
    for n in range(_B):
        if n >= rows:
            for c in range(classes):
                z[c * _B + n] = _ZERO
        elif classes == _1:
            target, logit = np.float32(targets[n]), z[n]
            e = np.exp(-abs(logit))
            losses[n] = max(logit, _ZERO) - logit * target + np.log(_ONE + e)
            z[n] = ((_ONE if logit >= 0 else e) / (_ONE + e) - target) * scale
        else:
            target, most, total = np.uintp(targets[n]), z[n], _ZERO
            for c in range(_1, classes):
                most = max(most, z[c * _B + n])
            for c in range(classes):
                total += np.exp(z[c * _B + n] - most)
            losses[n] = np.log(total) - z[target * _B + n] + most
            for c in range(classes):
                z[c * _B + n] = np.exp(z[c * _B + n] - most) / total * scale
            z[target * _B + n] -= scale


@compiled
def gradients(
    vectors,
    extra,
    targets,
    scale,
    heads,
    dim,
    kernels,
    transposed,
    readout,
    transposed_readout,
    bias,
    losses,
    d_vectors,
    d_logits,
    d_kernels,
    d_readout,
    d_bias,
):
    """Compute the losses of rows and the gradients of `scale` times their sum.

    Args:
        vectors: embeddings, (rows, fields, columns); columns and `dim` are multiples of 4.
        extra: logits from outside the interacting layers, (rows, classes).
        targets: see `losses.cross_entropy`, (rows,).
        scale: float32.
        heads, dim: number and size of the heads.
        kernels: kernels of the layers, flat, each head's (4 · dim, columns of the input).
        transposed: the same with each head's kernel transposed.
        readout, transposed_readout: kernel of the logits, (classes, heads · dim, fields) and
            (fields, heads · dim, classes), with classes padded with zeros to a multiple of 4.
        bias: bias of the logits, padded in the same way.
        losses, d_vectors, d_logits: results, (rows,), (rows, fields, columns), (rows, classes).
        d_kernels, d_readout, d_bias: shaped as the kernels; gradients are added to them.
    """
    fields, columns = np.uintp(vectors.shape[1]), np.uintp(vectors.shape[2])
    heads, dim = np.uintp(heads), np.uintp(dim)
    classes, padded = np.uintp(extra.shape[1]), np.uintp(len(bias))
    width, wide, size = heads * dim, _4 * dim, dim * fields * _B
    layers = _1 + (np.uintp(len(kernels)) - heads * wide * columns) // (heads * wide * width)
    x_size, a_size = max(width, columns) * fields * _B, (fields + _1) // _2 * fields * _B2
    x = np.empty((layers + _1) * x_size, np.float32)
    p = np.empty(layers * heads * _4 * size, np.float32)
    a = np.zeros(layers * heads * a_size + _B2, np.float32)
    ds, dp = np.zeros(a_size + _B2, np.float32), np.empty(_4 * size, np.float32)
    g, back = np.empty(x_size, np.float32), np.empty(x_size, np.float32)
    y, total = np.empty(dim * _B2, np.float32), np.empty(_B2, np.float32)
    z, step = np.empty(padded * _B, np.float32), fields * _B
    count = np.uintp(len(vectors))
    for start in range(_0, count, _B):
        rows = min(_B, count - start)
        for f in range(fields):
            for n in range(_B):
                row = vectors[start + min(n, rows - _1), f]
                for c in range(columns):
                    x[(c * fields + f) * _B + n] = row[c]
        at, before = _0, columns
        for layer in range(layers):
            of = layer * x_size
            for head in range(heads):
                here = layer * heads + head
                p_at, a_at, to = here * _4 * size, here * a_size, of + x_size + head * size
                for f in range(fields):
                    f_to = p_at + f * wide * _B
                    multiply(kernels, at, wide, before, x, of + f * _B, step, p, f_to, False)
                attend(p, p_at, x, to, _B, step, fields, dim, a, a_at, True, y, total)
                at += wide * before
            before = width
        last = x[layers * x_size :]
        for c in range(padded):
            for n in range(_B):
                z[c * _B + n] = bias[c]
        multiply(readout, _0, padded, width * fields, last, _0, _B, z, _0, True)
        for c in range(classes):
            for n in range(rows):
                z[c * _B + n] += extra[start + n, c]
        end = start + rows
        _cross_entropy(z, classes, targets[start:end], rows, scale, losses[start:end])
        for c in range(classes):
            for n in range(rows):
                d_logits[start + n, c] = z[c * _B + n]
                d_bias[c] += z[c * _B + n]
        multiply(transposed_readout, _0, fields * width, padded, z, _0, _B, g, _0, False)
        _outer(z, padded, last, width * fields, _B, d_readout, _0)
        for turn in range(layers):
            layer = layers - _1 - turn
            of, to = layer * x_size, (layer + _1) * x_size
            before = width if layer else columns
            for f in range(fields):
                for c in range(width):
                    here, there = (f * width + c) * _B, to + (c * fields + f) * _B
                    for n in range(_B):
                        g[here + n] = g[here + n] if x[there + n] > _ZERO else _ZERO
            at -= heads * wide * before
            for head in range(heads):
                here, g_at = layer * heads + head, head * dim * _B
                p_at, a_at, block = here * _4 * size, here * a_size, at + head * wide * before
                _attend_back(p, p_at, g, g_at, width * _B, fields, dim, a, a_at, ds, total, y, dp)
                _outer(dp, wide, x[of:], before, step, d_kernels, block)
                for f in range(fields):
                    f_to = f * before * _B
                    multiply(
                        transposed, block, before, wide, dp, f * _B, step, back, f_to, head > _0
                    )
            g, back = back, g
        for f in range(fields):
            for n in range(rows):
                for c in range(columns):
                    d_vectors[start + n, f, c] = g[(f * columns + c) * _B + n]


def compile_all() -> None:
    """Compile `logits` and `gradients` for the types they are called with, and store the code."""
    heads, dim, fields, classes = 1, 4, 2, 4
    ids, table = np.zeros((1, fields), np.int32), np.zeros((1, heads * 4 * dim), np.float32)
    empty, columns = np.empty(0, np.float32), np.empty((1, 0), np.float32)
    readout, bias = np.zeros(classes * dim * fields, np.float32), np.zeros(classes, np.float32)
    constants = (table, empty, readout, columns, empty, empty, bias, np.array([classes]), columns)
    logits(ids, heads, dim, *constants, np.empty((1, 1), np.float32))
    vectors, extra = np.zeros((1, fields, dim), np.float32), np.zeros((1, 1), np.float32)
    kernels = np.zeros(4 * dim * dim, np.float32)
    for targets in (np.zeros(1, np.float32), np.zeros(1, np.int32)):
        results = (np.empty(1, np.float32), np.empty_like(vectors), np.empty_like(extra))
        sums = (np.zeros_like(kernels), np.zeros_like(readout), np.zeros_like(bias))
        inputs = (vectors, extra, targets, np.float32(1), heads, dim, kernels, kernels)
        gradients(*inputs, readout, readout, bias, *results, *sums)
