"""Learned dynamics: what an ensemble of networks says will follow a dose.

    (μ_k, s_k, e_k, m_k) = f_k((o − mean)/sd, d),    k = 1 … K
    (o' − o, r) = target.mean + target.sd ⊙ (μ_k + exp(s_k/2) ⊙ ε)
    P(nothing follows) = σ(e_k),    dose j may be given next where m_kj > 0

Chua 2018, arXiv:1805.12114 (PETS), after Lakshminarayanan 2017, arXiv:1612.01474. d is the dose's row of a table, one-hot,
or u in [−1, 1] with dose = low + (high − low)·(u + 1)/2. Log-variances s are of standardised targets and pass smoothly
into `LEAST` and `MOST`. How the networks are fitted: `learners/model_based/ensemble.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from posology.policies import network as net
from posology.policies.network import Network

LEAST, MOST = -10.0, 1.0  # log-variance of a standardised target: 0.7 % of its SD, 1.6 times its SD


class Prediction(NamedTuple):
    """What one network says: `mean` and `log_variance` `[inputs + 1]` of the standardised change of the observation and
    the reward, the logit that nothing follows (`end`), and logits of the doses that may be given next `[rows]`."""

    mean: Any
    log_variance: Any
    end: Any
    allowed: Any


@dataclass(frozen=True)
class Dynamics:
    """Static description: length of an observation, rows of the dose table (0 for a continuous dose between `low` and
    `high`), number of networks, their layers."""

    inputs: int
    rows: int
    members: int
    hidden: tuple[int, ...]
    low: float = 0.0
    high: float = 1.0

    @property
    def width(self) -> int:
        """How many numbers a dose is."""
        return self.rows or 1

    def network(self) -> Network:
        """One member."""
        return Network(self.inputs + self.width, 2 * (self.inputs + 1) + 1 + self.rows, self.hidden, "value")

    def arrays(self) -> dict[str, tuple[int, ...]]:
        """Name → shape: the members' layers along a first axis, and the scales of what goes in and out."""
        layers = {name: (self.members, *shape) for name, shape in net.shapes(self.network()).items()}
        seen, told = (self.inputs,), (self.inputs + 1,)
        return layers | {"observation.mean": seen, "observation.sd": seen, "target.mean": told, "target.sd": told}

    def encode(self, action: Any) -> Any:
        """The numbers `[width]` of a dose: its row, or one in physical units."""
        if self.rows:
            return jax.nn.one_hot(action, self.rows, dtype=jnp.float32)
        return (2.0 * (action - self.low) / (self.high - self.low) - 1.0)[None]

    def decode(self, dose: Any) -> Any:
        """The dose of these numbers."""
        if self.rows:
            return jnp.argmax(dose).astype(jnp.int32)
        return self.low + (self.high - self.low) * 0.5 * (dose[0] + 1.0)

    def layers(self, arrays: Mapping[str, Any]) -> dict[str, Any]:
        """The members' weights alone, along their first axis."""
        return {name: arrays[name] for name in net.shapes(self.network())}

    def predict(self, weights: Mapping[str, Any], arrays: Mapping[str, Any], observation: Any, dose: Any) -> Prediction:
        """What the member with these weights says of one observation and dose `[width]`."""
        x = net.normalise(observation, arrays["observation.mean"], arrays["observation.sd"])
        out = net.step(self.network(), weights, jnp.concatenate([x, dose]), ())[0]
        n = self.inputs + 1
        return Prediction(out[:n], bounded(out[n : 2 * n]), out[2 * n], out[2 * n + 1 :])

    def members_predict(self, arrays: Mapping[str, Any], observation: Any, dose: Any) -> Prediction:
        """What each member says, along a first axis."""
        return jax.vmap(self.predict, (0, None, None, None))(self.layers(arrays), arrays, observation, dose)


def bounded(raw: Any) -> Any:
    """A log-variance that passes smoothly into its bounds (Chua 2018, appendix A.1)."""
    below = MOST - jax.nn.softplus(MOST - raw)
    return LEAST + jax.nn.softplus(below - LEAST)


def follows(arrays: Mapping[str, Any], told: Prediction, observation: Any, noise: Any) -> tuple[Any, Any]:
    """Next observation and reward of a draw; `noise` `[inputs + 1]` is standard normal, 0 for the expected ones."""
    drawn = told.mean + jnp.exp(0.5 * told.log_variance) * noise
    change = arrays["target.mean"] + arrays["target.sd"] * drawn
    return observation + change[:-1], change[-1]


def may_follow(told: Prediction) -> Any:
    """Which doses may be given next `[rows]`; where none seems so, the likeliest."""
    likeliest = told.allowed == jnp.max(told.allowed)
    return (told.allowed > 0) | likeliest


def disagreement(means: Any) -> Any:
    """How far the members are apart: √(mean over targets of the variance over members) of their `means[K, targets]`."""
    return jnp.sqrt(jnp.mean(jnp.var(means, axis=0)))
