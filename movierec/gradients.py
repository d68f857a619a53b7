"""A training step's attention compiled by Numba: forward, loss and gradients of many rows.

Rows go through in blocks, as in `movierec.kernel`: forward, loss and backward of one block while
its arrays are in the processor's cache. A head's projections are (fields, 4 · dim, block), with
query, key, value and residual side by side; a layer's input and output (width, fields, block), so
that a kernel's gradient is one product over all fields and rows of the block.
Attention is kept by pairs of fields that look, (pairs, fields, 2, block).
"""

import numpy as np

from movierec.kernel import BLOCK, attend, compiled, mix, multiply, products

_B, _0, _1, _2, _3, _4 = (np.uintp(number) for number in (BLOCK, 0, 1, 2, 3, 4))
_B2, _B3 = np.uintp(2 * BLOCK), np.uintp(3 * BLOCK)
_ZERO, _ONE = np.float32(0), np.float32(1)


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
    """For fields j and j + 1 the sum of the looking fields' vectors by their weights.

    Args:
        s, at: where the weights are, (pairs, fields, 2, block); those of a field past the last are
            zeros.
        v, v_at, step: where the first vector is, and how far the next one.
        fields, dim: number and length of the vectors.
        j: the first of the two.
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
    """The vectors of `y` (dim, 2, block) to fields i and i + 1 of `x` (dim, fields, block)."""
    for d in range(_0, dim):
        to = at + (d * fields + i) * _B
        for n in range(_B):
            x[to + n] = y[d * _B2 + n]
        if i + _1 < fields:
            for n in range(_B):
                x[to + _B + n] = y[d * _B2 + _B + n]


@compiled
def _attend_back(p, p_at, g, g_at, width, fields, dim, a, at, ds, total, y, dp):
    """One head backward.

    Args:
        p, p_at: its projections.
        g, g_at, width: the gradient before the ReLU, (fields, width / block, block), from the
            head's first column on.
        fields, dim: sizes.
        a, at: the head's attention.
        ds, total, y: scratch; `ds` as large as the head's attention and two blocks more.
        dp: the projections' gradient, (4 · dim, fields, block).
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
    """Each row's cross-entropy; its logits `z` (classes, block) become their gradient · scale."""
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
    others,
    targets,
    scale,
    heads,
    dim,
    kernels,
    turned,
    readout,
    turned_readout,
    bias,
    losses,
    d_vectors,
    d_logits,
    d_kernels,
    d_readout,
    d_bias,
):
    """Losses of rows, and gradients of `scale` times their sum.

    Args:
        vectors: embeddings, (rows, fields, columns); columns and `dim` are multiples of 4.
        others: what the logits hold besides attention's, (rows, classes).
        targets: see `losses.cross_entropy`, (rows,).
        scale: float32.
        heads, dim: of the interacting layers.
        kernels: of the layers, flat, each head's (4 · dim, columns of the input).
        turned: the same with every head's transposed.
        readout, turned_readout: kernel of the logits, (classes, heads · dim, fields) and (fields,
            heads · dim, classes), with classes padded with zeros to a multiple of 4.
        bias: of the logits, padded likewise.
        losses, d_vectors, d_logits: (rows,), (rows, fields, columns), (rows, classes).
        d_kernels, d_readout, d_bias: as the kernels; what they hold is added to.
    """
    fields, columns = np.uintp(vectors.shape[1]), np.uintp(vectors.shape[2])
    heads, dim = np.uintp(heads), np.uintp(dim)
    classes, padded = np.uintp(others.shape[1]), np.uintp(len(bias))
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
                z[c * _B + n] += others[start + n, c]
        end = start + rows
        _cross_entropy(z, classes, targets[start:end], rows, scale, losses[start:end])
        for c in range(classes):
            for n in range(rows):
                d_logits[start + n, c] = z[c * _B + n]
                d_bias[c] += z[c * _B + n]
        multiply(turned_readout, _0, fields * width, padded, z, _0, _B, g, _0, False)
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
                    multiply(turned, block, before, wide, dp, f * _B, step, back, f_to, head > _0)
            g, back = back, g
        for f in range(fields):
            for n in range(rows):
                for c in range(columns):
                    d_vectors[start + n, f, c] = g[(f * columns + c) * _B + n]
