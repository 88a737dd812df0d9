"""Neural policies: an observation, what came before it, and the numbers that turn them into a dose.

A `Network` is a static description; its parameters are a flat `{name: array}` in float32, as they
lie on disk. Layers are tanh. With `memory`

    none      the observation alone
    window    the last `span` observations, each with a flag that it was there
    gru       z = σ(W_z x + U_z h + b_z),  r = σ(W_r x + U_r h + b_r)
              n = tanh(W_n x + b_n + r ⊙ U_n h),  h ← (1 − z) ⊙ n + z ⊙ h        Cho 2014, arXiv:1406.1078

Heads:

    categorical   logits over the dose table
    value         one number per dose; the greedy dose is the best
    duelling      the same, as a value of the observation plus advantages less their mean   Wang 2016, arXiv:1511.06581
    quantile      so many quantiles of the return per dose, judged by the mean of the lowest share `risk` of them
    squashed      a Gaussian u, dose = low + (high − low)·(1 + tanh u)/2
    gaussian      the same, with a spread of u that depends on the observation

A mask is applied to the logits or values themselves, so a forbidden dose has probability exactly 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from posology.policies.policy import Policy

HEADS = ("categorical", "squashed", "value", "duelling", "quantile", "gaussian")
MEMORIES = ("none", "window", "gru")
FORBIDDEN = -1e9  # finite, so that a state without any allowed dose gives no NaN
FAR = 10.0  # normalised observations are clipped to ± this many standard deviations

Params = Mapping[str, Any]


@dataclass(frozen=True)
class Network:
    """Static description of a network.

    `inputs` is the length of an observation, `outputs` the number of doses (1 when squashed);
    `low` and `high` bound a squashed dose in physical units; `span` is the window's length. Where the
    observation is the index of one of `states`, each of them has a row of the first layer. `quantiles` and
    `risk` belong to that head.
    """

    kind: ClassVar[str] = "network"

    inputs: int
    outputs: int
    hidden: tuple[int, ...] = (64, 64)
    head: str = "categorical"
    memory: str = "none"
    span: int = 8
    low: float = 0.0
    high: float = 1.0
    states: int = 0
    quantiles: int = 1
    risk: float = 1.0

    def __post_init__(self) -> None:
        if self.head not in HEADS:
            raise ValueError(f"head is '{self.head}'; allowed: {', '.join(HEADS)}")
        if self.memory not in MEMORIES:
            raise ValueError(f"memory is '{self.memory}'; allowed: {', '.join(MEMORIES)}")
        if not self.hidden or min(self.hidden) < 1:
            raise ValueError(f"hidden is {self.hidden}; it needs one or more positive layer sizes")
        if self.memory == "window" and self.span < 1:
            raise ValueError(f"span is {self.span}; a window holds at least 1 observation")
        if self.quantiles < 1 or not 0 < self.risk <= 1:
            raise ValueError(f"quantiles {self.quantiles}, risk {self.risk}: at least one, of a share above 0 up to 1")
        if self.states and (self.inputs != 1 or self.memory == "window"):
            raise ValueError("the index of a state is one input, and no window remembers it; use memory none or gru")

    def arrays(self) -> dict[str, tuple[int, ...]]:
        """Name → shape of everything a policy's file holds: layers, normalisation, spread of the dose."""
        spread: dict[str, tuple[int, ...]] = {"log_sd": ()} if self.head == "squashed" else {}
        return {**shapes(self), **spread, "observation.mean": (self.inputs,), "observation.sd": (self.inputs,)}

    def policy(self, name: str, arrays: Params, *, greedy: bool = True) -> Policy:
        """The policy of these arrays: the most likely (best valued, median) dose, or drawn where not `greedy`."""
        return network_policy(name, self, arrays, greedy=greedy)


def shapes(network: Network) -> dict[str, tuple[int, ...]]:
    """Name → shape of every layer's parameters."""
    width = network.span * (network.inputs + 1) if network.memory == "window" else network.states or network.inputs
    plain = network.hidden[:-1] if network.memory == "gru" else network.hidden
    found: dict[str, tuple[int, ...]] = {}
    for i, size in enumerate(plain):
        found |= {f"layer{i}.w": (width, size), f"layer{i}.b": (size,)}
        width = size
    if network.memory == "gru":
        size = network.hidden[-1]
        found |= {"gru.w": (width, 3 * size), "gru.u": (size, 3 * size), "gru.b": (3 * size,)}
        width = size
    outputs = {"duelling": network.outputs + 1, "quantile": network.outputs * network.quantiles, "gaussian": 2}
    last = outputs.get(network.head, network.outputs)
    return found | {"head.w": (width, last), "head.b": (last,)}


def normalise(observation: Any, mean: Any, sd: Any) -> Any:
    """The observation in standard deviations from its running mean, clipped to ± `FAR`."""
    return jnp.clip((observation - mean) / sd, -FAR, FAR)


def enter(network: Network, observation: Any, mean: Any, sd: Any) -> Any:
    """What the first layer sees of an observation: standard deviations, or the index of a state as it is."""
    return observation if network.states else normalise(observation, mean, sd)


def start(network: Network) -> Any:
    """The memory before the first observation."""
    if network.memory == "window":
        return jnp.zeros((network.span, network.inputs + 1), jnp.float32)
    if network.memory == "gru":
        return jnp.zeros((network.hidden[-1],), jnp.float32)
    return ()


def _dense(params: Params, name: str, x: Any) -> Any:
    y = x @ params[f"{name}.w"]
    return y + jnp.broadcast_to(params[f"{name}.b"], y.shape)


def _layers(network: Network, params: Params, x: Any) -> Any:
    if network.states:
        at = jnp.clip(x[..., 0].astype(jnp.int32), 0, network.states - 1)
        return _hidden(network, params, jnp.tanh(params["layer0.w"][at] + params["layer0.b"]), 1)
    return _hidden(network, params, x, 0)


def _hidden(network: Network, params: Params, x: Any, first: int) -> Any:
    for i in range(first, len(network.hidden) - (network.memory == "gru")):
        x = jnp.tanh(_dense(params, f"layer{i}", x))
    return x


def _head(network: Network, params: Params, x: Any) -> Any:
    out = _dense(params, "head", x)
    if network.head == "duelling":
        advantage = out[..., 1:]
        return out[..., :1] + advantage - jnp.mean(advantage, axis=-1, keepdims=True)
    if network.head == "quantile":
        return out.reshape(*out.shape[:-1], network.outputs, network.quantiles)
    return out


def scores(network: Network, outputs: Any) -> Any:
    """One number per dose: the outputs, or the mean of the lowest quantiles of the return."""
    if network.head != "quantile":
        return outputs
    lowest = max(round(network.risk * network.quantiles), 1)
    if lowest < network.quantiles:
        outputs = -jax.lax.top_k(-outputs, lowest)[0]  # to sort them all takes eight times as long
    return jnp.mean(outputs, axis=-1)


def _gru(params: Params, x: Any, h: Any) -> Any:
    """One step; `x` is already W x + b, so that a whole episode's inputs are one product."""
    size = h.shape[-1]
    recurrent = h @ params["gru.u"]
    z, r = jnp.split(jax.nn.sigmoid(x[..., : 2 * size] + recurrent[..., : 2 * size]), 2, axis=-1)
    n = jnp.tanh(x[..., 2 * size :] + r * recurrent[..., 2 * size :])
    return (1 - z) * n + z * h


def step(network: Network, params: Params, x: Any, memory: Any) -> tuple[Any, Any]:
    """Outputs for one (normalised) observation `x` and the memory after it."""
    if network.memory == "window":
        memory = jnp.concatenate([memory[1:], jnp.append(x, 1.0)[None]])
        return _head(network, params, _layers(network, params, memory.reshape(-1))), memory
    x = _layers(network, params, x)
    if network.memory == "gru":
        x = memory = _gru(params, _dense(params, "gru", x), memory)
    return _head(network, params, x), memory


def unroll(network: Network, params: Params, xs: Any) -> Any:
    """Outputs `[T, outputs]` for a whole episode of (normalised) observations `[T, inputs]`."""
    if network.memory == "window":
        steps, span = xs.shape[0], network.span
        rows = jnp.concatenate([xs, jnp.ones((steps, 1), xs.dtype)], axis=-1)
        padded = jnp.concatenate([jnp.zeros((span - 1, rows.shape[-1]), xs.dtype), rows])
        seen = padded[jnp.arange(steps)[:, None] + jnp.arange(span)[None]]
        return _head(network, params, _layers(network, params, seen.reshape(steps, -1)))
    xs = _layers(network, params, xs)
    if network.memory == "gru":

        def cell(h: Any, x: Any) -> tuple[Any, Any]:
            h = _gru(params, x, h)
            return h, h

        _, xs = jax.lax.scan(cell, start(network), _dense(params, "gru", xs))
    return _head(network, params, xs)


def allowed(scores: Any, mask: Any) -> Any:
    """Logits or values with forbidden doses at `FORBIDDEN`."""
    return jnp.where(mask, scores, FORBIDDEN)


def spread(outputs: Any) -> Any:
    """ln SD of u under a `gaussian` head, kept within what float32 can sample and judge."""
    return jnp.clip(outputs[..., 1], -10.0, 2.0)


def squash(u: Any, low: float, high: float) -> Any:
    """The dose in [low, high] of an unbounded `u`."""
    return low + (high - low) * 0.5 * (1.0 + jnp.tanh(u))


def _choose(network: Network, params: Params, outputs: Any, mask: Any, key: Any, greedy: bool) -> Any:
    if network.head == "squashed":
        u = outputs[0] if greedy else outputs[0] + jnp.exp(params["log_sd"]) * jax.random.normal(key)
        return squash(u, network.low, network.high)
    if network.head == "gaussian":
        u = outputs[0] if greedy else outputs[0] + jnp.exp(spread(outputs)) * jax.random.normal(key)
        return squash(u, network.low, network.high)
    found = allowed(scores(network, outputs), mask)
    if greedy or network.head != "categorical":
        return jnp.argmax(found).astype(jnp.int32)
    return jax.random.categorical(key, found).astype(jnp.int32)


def network_policy(name: str, network: Network, params: Params, *, greedy: bool = True) -> Policy:
    """The policy of a network and its parameters (names and shapes as its `arrays`).

    Args:
        greedy: the most likely (or best valued, or median) dose; otherwise doses are drawn.
    """

    params = {name: jnp.asarray(value) for name, value in params.items()}

    def outputs(observation: Any, memory: Any) -> tuple[Any, Any]:
        x = jnp.asarray(observation, jnp.float32)
        return step(network, params, enter(network, x, params["observation.mean"], params["observation.sd"]), memory)

    def act(key: Any, observation: Any, mask: Any, memory: Any) -> tuple[Any, Any]:
        out, memory = outputs(observation, memory)
        return _choose(network, params, out, mask, key, greedy), memory

    def probabilities(observation: Any, mask: Any, memory: Any) -> Any:
        found = allowed(scores(network, outputs(observation, memory)[0]), mask)
        if greedy or network.head != "categorical":
            return jax.nn.one_hot(jnp.argmax(found), network.outputs)
        return jax.nn.softmax(found)

    return Policy(name, act, None if network.head in ("squashed", "gaussian") else probabilities, lambda: start(network))
