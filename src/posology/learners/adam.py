"""Adam on gradients that are shortened above a norm: the step of every learner that follows a gradient.

Kingma & Ba 2015, arXiv:1412.6980; shortening by the norm of all gradients together: Pascanu 2013, arXiv:1211.5063.
"""

from __future__ import annotations

from typing import Any

import jax
import optax


def shortened(max_gradient: float, eps: float = 1e-8) -> optax.GradientTransformation:
    """Adam's directions, of gradients no longer than `max_gradient`."""
    return optax.chain(optax.clip_by_global_norm(max_gradient), optax.scale_by_adam(eps=eps))


def step(adam: optax.GradientTransformation, gradient: Any, weights: Any, memory: Any, rate: Any) -> tuple[Any, Any]:
    """Weights and Adam's memory after a step of length `rate` against the gradient."""
    with jax.numpy_dtype_promotion("standard"):  # optax raises floats to whole numbers
        direction, memory = adam.update(gradient, memory)
    return jax.tree.map(lambda w, d: w - rate * d, weights, direction), memory
