"""Treatments and published problems under Gymnasium's interface: `gymnasium.make("posology/<id>")`.

    gymnasium.make_vec(id, num_envs=256, vectorization_mode="vector_entry_point")

steps all patients in one compiled call and starts the next patient in the step that ended one
(`AutoresetMode.SAME_STEP`), with the true last observation in `final_obs` and its info in `final_info`.
Call `register()` once, or import this module by name: `gymnasium.make("posology.environments.gym:posology/<id>")`.

Patients come from a pool drawn with the seed of `reset`. An action that the mask forbids raises, and so does a dose
outside the range of a continuous one, whose mask is about the table for planners.
With `vector_reward` the reward is the vector of the spec's terms and `reward_space` its space, as
MO-Gymnasium has it. `info` holds `action_mask`, `terms` and `costs`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from posology.environments.catalogue import PROBLEMS, TREATMENTS, environment
from posology.environments.spec import Spec

NAMESPACE = "posology"
LARGEST = 1e6  # of a scaled observation; none comes near, but Gymnasium wants a bound
POOL = 1024  # patients drawn at a seed; episodes take them in turn


def action_space(spec: Spec) -> spaces.Space[Any]:
    """Rows of the dose table, or one dose in physical units."""
    if spec.discrete:
        return spaces.Discrete(len(spec.actions))
    return spaces.Box(spec.low, spec.high, (1,), np.float32)


def observation_space(spec: Spec) -> spaces.Space[Any]:
    """Numbers, or the index of a state of a finite problem."""
    if spec.states:
        return spaces.Discrete(spec.states)
    return spaces.Box(-LARGEST, LARGEST, (spec.size,), np.float32)


class PatientVectorEnv(VectorEnv):
    """`num_envs` patients of one treatment or problem, stepped together."""

    metadata = {"autoreset_mode": AutoresetMode.SAME_STEP, "render_modes": []}

    def __init__(self, treatment_id: str, num_envs: int = 1, vector_reward: bool = False, pool: int = POOL) -> None:
        self.env, self.num_envs, self.vector_reward = environment(treatment_id), num_envs, vector_reward
        spec = self.patient_spec = self.env.spec
        self.single_observation_space = observation_space(spec)
        self.single_action_space = action_space(spec)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.reward_space = spaces.Box(-np.inf, np.inf, (len(spec.terms),), np.float32)
        self.pool_size = max(pool, num_envs)
        self._compile()

    def _compile(self) -> None:
        import jax
        import jax.numpy as jnp

        env = self.env

        def begin(pool: Any, episode: Any) -> Any:
            """Patient and noise of an episode; each is a function of the pool's key and its number."""
            patients, key = pool
            patient = jax.tree.map(lambda v: v[episode % self.pool_size], patients)
            noise = jax.random.fold_in(key, episode)
            return (patient, noise), env.reset(noise, patient)

        def one(pool: Any, running: Any, action: Any, following: Any) -> Any:
            (patient, noise), state = running
            step = env.step(noise, state, action if env.spec.discrete else action[0], patient)
            over = step.terminated | step.truncated
            fresh, (start, observation, mask) = begin(pool, following)
            choose = lambda new, old: jax.tree.map(lambda a, b: jnp.where(over, a, b), new, old)  # noqa: E731
            reward = step.terms if self.vector_reward else step.reward
            after = choose((fresh, start), ((patient, noise), step.state))
            seen = choose((observation, mask), (step.observation, step.mask))
            return after, (*seen, reward, step.terminated, step.truncated, step.terms, step.costs, step.observation, step.mask)

        def many(pool: Any, running: Any, action: Any, begun: Any) -> Any:
            # whoever ends takes the next numbers, in the order of the environments
            running, out = jax.vmap(one, (None, 0, 0, 0))(pool, running, action, begun)
            return running, out

        self._begin = jax.jit(jax.vmap(begin, (None, 0)))
        self._many = jax.jit(many)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        """The first patients; with a seed, those of that seed."""
        import jax

        if seed is not None or not hasattr(self, "_pool"):
            VectorEnv.reset(self, seed=seed)
            key = jax.random.key(int(self.np_random.integers(2**31)))
            self._pool = (self.env.draw(jax.random.fold_in(key, 0), self.pool_size), jax.random.fold_in(key, 1))
            self._episode = np.arange(self.num_envs)
        else:
            self._episode = self._episode + self.num_envs
        running, (state, observation, mask) = self._begin(self._pool, self._episode.astype(np.int32))
        self._running, self._mask = (running, state), np.asarray(mask)
        return self._seen(observation), {"action_mask": self._mask.astype(np.int8)}

    def _seen(self, observation: Any) -> np.ndarray:
        """Observations as the space has them."""
        rows = np.asarray(observation)
        return rows[..., 0].astype(np.int64) if self.patient_spec.states else rows.astype(np.float32)

    def _checked(self, actions: Any) -> np.ndarray:
        actions = np.asarray(actions)
        if not self.patient_spec.discrete:
            return self._within(actions.astype(np.float32).reshape(self.num_envs, 1))
        allowed = self._mask
        for i in np.flatnonzero(~((actions >= 0) & (actions < allowed.shape[1]))):
            raise ValueError(f"action {actions[i]} is no row of the dose table; rows are 0 to {allowed.shape[1] - 1}")
        for i in np.flatnonzero(~allowed[np.arange(self.num_envs), actions]):
            labels = [f"{j} ({self.patient_spec.actions[j].label})" for j in np.flatnonzero(allowed[i])]
            raise ValueError(f"action {actions[i]} of patient {i} is not allowed now; allowed: {', '.join(labels)}")
        return actions.astype(np.int32)

    def _within(self, doses: np.ndarray) -> np.ndarray:
        low, high, unit = self.patient_spec.low, self.patient_spec.high, self.patient_spec.action_unit
        for i in np.flatnonzero(~((doses >= low) & (doses <= high))):
            raise ValueError(f"dose {doses[i, 0]:g} {unit} of patient {i} is not allowed; allowed: {low:g} to {high:g} {unit}")
        return doses

    def step(self, actions: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """One decision for each patient.

        Raises:
            ValueError: naming the action and the allowed ones, when a limit forbids it.
        """
        following = (self._episode + self.num_envs).astype(np.int32)
        self._running, out = self._many(self._pool, self._running, self._checked(actions), following)
        observation, mask, reward, terminated, truncated, terms, costs, last, last_mask = map(np.asarray, out)
        over = terminated | truncated
        self._episode, self._mask = np.where(over, following, self._episode), mask
        info: dict[str, Any] = {"action_mask": mask.astype(np.int8), "terms": terms, "costs": costs}
        if over.any():
            info["final_obs"], info["_final_obs"] = self._those(self._seen(last), over), over
            info["final_info"], info["_final_info"] = {"action_mask": last_mask.astype(np.int8), "_action_mask": over}, over
        seen, paid = self._seen(observation), reward if self.vector_reward else reward.astype(np.float64)
        return seen, paid, terminated, truncated, info

    @staticmethod
    def _those(rows: np.ndarray, over: np.ndarray) -> np.ndarray:
        """The rows of those that ended, as Gymnasium gives them: an array of objects, None elsewhere."""
        found = np.full(len(rows), None, dtype=object)
        for i in np.flatnonzero(over):
            found[i] = rows[i]
        return found

    def close_extras(self, **kwargs: Any) -> None:
        """Nothing is held open."""


class PatientEnv(gymnasium.Env):
    """One patient of a treatment. Thousands at once cost little more: see `make_vec`."""

    metadata: dict[str, Any] = {"render_modes": []}

    def __init__(self, treatment_id: str, vector_reward: bool = False) -> None:
        self.many = PatientVectorEnv(treatment_id, 1, vector_reward)
        self.observation_space = self.many.single_observation_space
        self.action_space = self.many.single_action_space
        self.reward_space, self.vector_reward = self.many.reward_space, vector_reward

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        """The next patient; with a seed, the first patient of that seed."""
        super().reset(seed=seed)
        observation, info = self.many.reset(seed=seed)
        return observation[0], {"action_mask": info["action_mask"][0]}

    def step(self, action: Any) -> tuple[np.ndarray, Any, bool, bool, dict[str, Any]]:
        """One decision; see `PatientVectorEnv.step`."""
        observation, reward, terminated, truncated, info = self.many.step(np.asarray(action)[None])
        over = bool(terminated[0] or truncated[0])
        last = info["final_obs"][0] if over else observation[0]
        mask = info["final_info"]["action_mask"][0] if over else info["action_mask"][0]
        told = {"action_mask": mask, "terms": info["terms"][0], "costs": info["costs"][0]}
        return last, reward[0] if self.vector_reward else float(reward[0]), bool(terminated[0]), bool(truncated[0]), told


def _made(kind: Callable[..., Any], id: str) -> Callable[..., Any]:
    return lambda **settings: kind(id, **settings)


def register() -> None:
    """Tell Gymnasium every treatment and problem of the catalogue, as `posology/<id>`."""
    for id in (*TREATMENTS, *PROBLEMS):
        name = f"{NAMESPACE}/{id}"
        if name not in gymnasium.registry:
            gymnasium.register(name, entry_point=_made(PatientEnv, id), vector_entry_point=_made(PatientVectorEnv, id))


register()
