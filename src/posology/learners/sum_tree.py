"""Weights of many rows with the sums over them, so that drawing and changing a few costs log n instead of n.

A binary tree in one array: node i has the children 2i and 2i + 1, node 1 holds the sum of all, the leaves stand in the second
half (Schaul 2016, arXiv:1511.05952, appendix B.2.1).
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp


def empty(rows: int) -> Any:
    """A tree for so many rows, each of weight 0."""
    return jnp.zeros(2 << (rows - 1).bit_length())


def leaves(tree: Any) -> Any:
    """The weights; behind the last row stand zeros."""
    return tree[tree.shape[0] // 2 :]


def put(tree: Any, at: Any, weight: Any) -> Any:
    """The tree with `weight[k]` at row `at[k]`; rows beyond the last leaf are left out, equal rows must have equal weights."""
    size = tree.shape[0]
    node = jnp.where(at < size // 2, at + size // 2, size)
    tree = tree.at[node].set(weight, mode="drop")
    for _ in range(size.bit_length() - 2):  # up to the root
        node = jnp.where(node < size, node // 2, size)
        tree = tree.at[node].set(tree[2 * node] + tree[2 * node + 1], mode="drop")
    return tree


def find(tree: Any, point: Any) -> Any:
    """The row that `point` in [0, sum) falls on, where rows lie side by side, each as wide as its weight."""

    def down(_: Any, carry: tuple[Any, Any]) -> tuple[Any, Any]:
        node, point = carry
        left = tree[2 * node]
        right = (point >= left) & (tree[2 * node + 1] > 0)  # rounding must not lead to a row of weight 0
        return 2 * node + right, point - jnp.where(right, left, 0.0)

    start = (jnp.ones(jnp.shape(point), jnp.int32), point)
    return jax.lax.fori_loop(0, tree.shape[0].bit_length() - 2, down, start)[0] - tree.shape[0] // 2
