"""Sums over the ratings of users or movies, compiled by Numba: see `movierec.models.history`.

The owner of a history is a user, and the others are the movies that they rated; or the other way
round. Ratings are ordered by owner. In training they are divided into folds, and a sum leaves out
the fold of the rating that is predicted.

Compiled functions that use each other are in this one file: Numba would not notice a change in
another one.
"""

import numpy as np
from numba import njit

FOLDS = 5

compiled = njit(nogil=True, cache=True, fastmath={"contract", "reassoc", "nsz"})


@compiled
def add_sums(vectors, owners, starts, others, deviations, folds, bias, scale, sums):
    """Write each owner's two sums, once for each fold that is left out.

    Args:
        vectors: y, (others, dim).
        owners: the owners whose sums are wanted, (rows,).
        starts: where each owner's ratings begin, (owners + 1,).
        others, deviations, folds: of each rating, (ratings,).
        bias, scale: b and 1 / √n without each fold, (owners, FOLDS).
        sums: the result, (rows, FOLDS, 2, dim).
    """
    dim = vectors.shape[1]
    parts, total = np.empty((FOLDS, 2, dim), np.float32), np.empty((2, dim), np.float32)
    for row in range(len(owners)):
        owner = owners[row]
        parts[:], total[:] = 0, 0
        for rating in range(starts[owner], starts[owner + 1]):
            fold, other, weight = folds[rating], others[rating], deviations[rating]
            for n in range(dim):
                parts[fold, 0, n] += weight * vectors[other, n]
                parts[fold, 1, n] += vectors[other, n]
        for fold in range(FOLDS):
            for n in range(dim):
                total[0, n] += parts[fold, 0, n]
                total[1, n] += parts[fold, 1, n]
        for fold in range(FOLDS):
            for n in range(dim):
                plain = total[1, n] - parts[fold, 1, n]
                weighted = total[0, n] - parts[fold, 0, n] - bias[owner, fold] * plain
                sums[row, fold, 0, n] = scale[owner, fold] * weighted
                sums[row, fold, 1, n] = scale[owner, fold] * plain


@compiled
def add_gradients(upstream, owners, starts, others, deviations, folds, bias, scale, gradient):
    """Add the gradient of the vectors y, shape (others, dim), to `gradient`.

    Args:
        upstream: gradient with respect to the sums, (rows, FOLDS, 2, dim).
        owners, starts, others, deviations, folds, bias, scale: see `add_sums`.
        gradient: the result, (others, dim).
    """
    dim = gradient.shape[1]
    weighted, plain = np.empty((FOLDS, dim), np.float32), np.empty((FOLDS, dim), np.float32)
    for row in range(len(owners)):
        owner = owners[row]
        for n in range(dim):
            totals = np.float32(0), np.float32(0)
            for fold in range(FOLDS):
                weighted[fold, n] = scale[owner, fold] * upstream[row, fold, 0, n]
                plain[fold, n] = scale[owner, fold] * upstream[row, fold, 1, n]
                plain[fold, n] -= bias[owner, fold] * weighted[fold, n]
                totals = totals[0] + weighted[fold, n], totals[1] + plain[fold, n]
            for fold in range(FOLDS):
                weighted[fold, n] = totals[0] - weighted[fold, n]
                plain[fold, n] = totals[1] - plain[fold, n]
        for rating in range(starts[owner], starts[owner + 1]):
            fold, other, weight = folds[rating], others[rating], deviations[rating]
            for n in range(dim):
                gradient[other, n] += weight * weighted[fold, n] + plain[fold, n]


@compiled
def _attention(query, keys, others, folds, left_out, weights):
    """Write the attention weights α of one owner's ratings; 0 in the fold `left_out`."""
    top = np.float32(0)
    for rating in range(len(others)):
        weights[rating] = 0
        if folds[rating] != left_out:
            product = np.float32(0)
            for n in range(len(query)):
                product += query[n] * keys[others[rating], n]
            weights[rating] = product
            top = max(top, product)
    total = np.exp(-top)  # the 1 of the denominator
    for rating in range(len(others)):
        if folds[rating] != left_out:
            weights[rating] = np.exp(weights[rating] - top)
            total += weights[rating]
    for rating in range(len(others)):
        weights[rating] /= total


@compiled
def attend(
    queries, keys, values, asked, owners, left_out, starts, others, deviations, folds, bias, sums
):
    """Write each row's two sums, weighted by attention.

    Args:
        queries: q, (queries, width).
        keys, values: k and v, (others, width) and (others, dim).
        asked, owners, left_out: each row's query, owner, and the fold that is left out, (rows,).
        starts: where each owner's ratings begin, (owners + 1,).
        others, deviations, folds: of each rating, (ratings,).
        bias: b without each fold, (owners, folds).
        sums: the result, (rows, 2, dim).
    """
    longest = 0
    for row in range(len(owners)):
        longest = max(longest, starts[owners[row] + 1] - starts[owners[row]])
    weights = np.empty(longest, np.float32)
    for row in range(len(owners)):
        owner, fold = owners[row], left_out[row]
        own = slice(starts[owner], starts[owner + 1])
        _attention(queries[asked[row]], keys, others[own], folds[own], fold, weights)
        sums[row] = 0
        for place in range(starts[owner + 1] - starts[owner]):
            rating = starts[owner] + place
            if folds[rating] != fold:
                other, weight = others[rating], weights[place]
                weighted = weight * (deviations[rating] - bias[owner, fold])
                for n in range(values.shape[1]):
                    sums[row, 0, n] += weighted * values[other, n]
                    sums[row, 1, n] += weight * values[other, n]


@compiled
def add_attention_gradients(
    upstream,
    queries,
    keys,
    values,
    asked,
    owners,
    left_out,
    starts,
    others,
    deviations,
    folds,
    bias,
    d_queries,
    d_keys,
    d_values,
):
    """Add the gradients of queries, keys and values to `d_queries`, `d_keys` and `d_values`.

    Args:
        upstream: gradient with respect to the sums, (rows, 2, dim).
        queries, keys, values, asked, owners, left_out, starts, others, deviations, folds, bias: see
            `attend`.
        d_queries, d_keys, d_values: the results, of the shapes of `queries`, `keys` and `values`.
    """
    longest = 0
    for row in range(len(owners)):
        longest = max(longest, starts[owners[row] + 1] - starts[owners[row]])
    weights, slopes = np.empty(longest, np.float32), np.empty(longest, np.float32)
    for row in range(len(owners)):
        owner, fold, query = owners[row], left_out[row], asked[row]
        first, count = starts[owner], starts[owner + 1] - starts[owner]
        own = slice(first, first + count)
        _attention(queries[query], keys, others[own], folds[own], fold, weights)
        mean = np.float32(0)  # of the slopes, weighted by α
        for place in range(count):
            slopes[place] = 0
            if folds[first + place] != fold:
                other, slope = others[first + place], np.float32(0)
                deviation = deviations[first + place] - bias[owner, fold]
                for n in range(values.shape[1]):
                    part = deviation * upstream[row, 0, n] + upstream[row, 1, n]
                    slope += part * values[other, n]
                    d_values[other, n] += weights[place] * part
                slopes[place] = slope
                mean += weights[place] * slope
        for place in range(count):
            if folds[first + place] != fold:
                other = others[first + place]
                slope = weights[place] * (slopes[place] - mean)
                for n in range(queries.shape[1]):
                    d_queries[query, n] += slope * keys[other, n]
                    d_keys[other, n] += slope * queries[query, n]
