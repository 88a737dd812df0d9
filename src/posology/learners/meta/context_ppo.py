"""PPO with a context: an encoder learns from the course whom it treats, the actor doses by what is seen and by that.

    h_t = GRU(o_t, h_{t−1}),  z_t = tanh(W·h_t + b)                    o_t with the decision before and what it brought
    L(ψ) = E_t ‖R·z_t + c − μ‖²/k        μ: the patient's own k numbers that differ between patients, standardised
    π_θ(a | o_t, z_t),  V_φ(o_t, z_t)    by the losses of PPO; no gradient of theirs reaches the encoder ψ

The simulator knows μ, the policy never sees it: learning is supervised by the truth, dosing is not. Identification of
the patient's parameters: Yu 2017, arXiv:1702.02453; an encoder that is taught what a simulator knows: Kumar 2021,
arXiv:2107.04034.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import optax

from posology.environments.environment import Environment
from posology.environments.experience import experienced, spec_of
from posology.environments.spec import Spec
from posology.learners import adam, networks
from posology.learners.deep import actor_critic, ppo
from posology.learners.learner import annealed, at_least, in_unit_interval, multiple, policy_of
from posology.learners.meta import context
from posology.learners.meta.context import ContextEnvironment
from posology.learners.rollout import Episode
from posology.policies import network as net
from posology.policies.contextual import PREFIX, Contextual


class State(NamedTuple):
    """PPO's state, the encoder's weights, those that read the patient's numbers off a context, and their optimiser."""

    inner: actor_critic.State
    encoder: Any
    reader: Any
    optimiser: Any

    @property
    def updates(self) -> Any:
        """Updates so far."""
        return self.inner.updates

    @property
    def decisions(self) -> Any:
        """Decisions so far."""
        return self.inner.decisions


@dataclass(frozen=True)
class ContextPPO:
    """Hyper-parameters as in PPO. `context` numbers sum a course up, by an encoder of layers `encoder` (the last is its
    memory) that learns with `encoder_rate` in `encoder_epochs` passes over every update; `sees_reward`: whether it is
    told what the decision before brought."""

    id: ClassVar[str] = "context-ppo"
    memory: ClassVar[str] = "none"
    span: ClassVar[int] = 1

    sees_reward: bool = False
    context: int = 8
    encoder: tuple[int, ...] = (32,)
    encoder_rate: float = 3e-3
    encoder_epochs: int = 4
    patients: int = 256
    repeats: int = 4
    epochs: int = 10
    minibatches: int = 4
    learning_rate: float = 1.5e-3
    anneal_over: int = 0
    follow: float = 0.1
    discount: float = 0.99
    trace: float = 0.9
    clip: float = 0.2
    entropy: float = 0.003
    max_gradient: float = 0.5
    bootstrap: bool = True
    hidden: tuple[int, ...] = (64, 64)

    def __post_init__(self) -> None:
        at_least(self, patients=1, repeats=1, epochs=1, minibatches=1, anneal_over=0, learning_rate=0, clip=0, entropy=0)
        at_least(self, context=1, encoder_epochs=1, encoder_rate=0)
        in_unit_interval(self, "discount", "trace", "follow")
        multiple(self, "patients", "minibatches", "repeats")

    policy = policy_of

    def sees(self, env: Environment) -> Environment:
        """The environment with the decision before."""
        return experienced(env, self.sees_reward)

    def form(self, spec: Spec) -> Contextual:
        """The encoder and the actor."""
        spec = spec_of(spec, self.sees_reward)
        head, outputs = ("categorical", len(spec.actions)) if spec.discrete else ("squashed", 1)
        return Contextual(spec.size, outputs, self.context, self.encoder, self.hidden, head, spec.low, spec.high)

    def init(self, key: Any, env: Environment) -> State:
        """The state before the first update."""
        env, form = self.sees(env), self.form(env.spec)
        key, first = jax.random.split(key)
        encoder = networks.initial(first, form.encoder_network())
        size = jax.eval_shape(lambda k: jax.vmap(context.numbers_of)(env.draw(k, 1)), key).shape[1]
        reader = {"w": jnp.zeros((self.context, size), jnp.float32), "b": jnp.zeros((1, size), jnp.float32)}
        inner = actor_critic.init(self, key, ContextEnvironment(env, form, {}, (0.0, 1.0)))
        return State(inner, encoder, reader, self._adam().init((encoder, reader)))

    def update(self, state: State, env: Environment, patients: Any) -> tuple[State, dict[str, Any]]:
        """`self.patients` courses, `epochs` passes of actor and critic over them, then those of the encoder."""
        inner, plain = state.inner, self.sees(env)
        key = jax.random.fold_in(inner.key, inner.updates)
        pool, differs = context.known(patients)
        scale = inner.observations.mean, inner.observations.sd
        world = ContextEnvironment(plain, self.form(plain.spec), state.encoder, scale)
        e = actor_critic.interact(self, key, inner, world, pool)
        batch, returns = actor_critic.batch_of(self, inner, world.spec, e)
        weights, memory, told = ppo.learn(self, key, inner, world.spec, batch)
        after, metrics = actor_critic.after(self, inner, e, returns, weights, memory)
        taught, loss = self._teach(jax.random.fold_in(key, 1_000_000), state, plain.spec, e, differs)
        return taught._replace(inner=after), told | metrics | {"context_loss": loss}

    def loss(self, weights: Any, form: Contextual, x: Any, truth: Any, alive: Any, differs: Any) -> Any:
        """Mean squared error of what the context says, over the decisions of courses `x` `[n, T, size]` and the numbers
        that differ; `truth` `[n, T, k]`."""
        encoder, reader = weights
        z = jnp.tanh(jax.vmap(lambda rows: net.unroll(form.encoder_network(), encoder, rows))(x))
        error = (z @ reader["w"] + reader["b"][None] - truth) ** 2
        counts = alive[..., None] & differs[None, None]
        return jnp.sum(jnp.where(counts, error, 0.0)) / jnp.maximum(jnp.sum(counts, dtype=jnp.float32), 1.0)

    def parameters(self, state: State) -> dict[str, Any]:
        """The mean of the actor, the scale of what it sees, and the encoder."""
        encoder = {PREFIX + name: v for name, v in state.encoder.items()}
        return {**actor_critic.parameters(state.inner.mean, state.inner), **encoder}

    def _teach(self, key: Any, state: State, spec: Spec, e: Episode, differs: Any) -> tuple[State, Any]:
        """Passes of the encoder over the courses, and the mean loss."""
        form, moments = self.form(spec), state.inner.observations
        seen, truth = e.observation[:, :-1, : form.inputs], e.terms[..., -differs.shape[0] :]
        x = net.normalise(seen, moments.mean[None, None, : form.inputs], moments.sd[None, None, : form.inputs])
        rate = annealed(self.encoder_rate, state.updates, self.anneal_over)
        rows = [jax.random.permutation(jax.random.fold_in(key, i), self.patients) for i in range(self.encoder_epochs)]

        def step(carry: Any, part: Any) -> tuple[Any, Any]:
            weights, memory = carry
            cost = lambda w: self.loss(w, form, x[part], truth[part], e.alive[part], differs)  # noqa: E731
            loss, gradient = jax.value_and_grad(cost)(weights)
            return adam.step(self._adam(), gradient, weights, memory, rate), loss

        parts = jnp.stack(rows).reshape(self.encoder_epochs * self.minibatches, -1)
        first = ((state.encoder, state.reader), state.optimiser)
        ((encoder, reader), memory), losses = jax.lax.scan(step, first, parts)
        return state._replace(encoder=encoder, reader=reader, optimiser=memory), jnp.mean(losses)

    def _adam(self) -> optax.GradientTransformation:
        return adam.shortened(self.max_gradient, eps=1e-5)
