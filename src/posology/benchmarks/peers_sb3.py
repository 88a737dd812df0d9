"""Stable-Baselines3 on the same problem, patients and judge: `python -m posology.benchmarks.peers_sb3 …`.

    python -m posology.benchmarks.peers_sb3 PROBLEM LEARNER ENVS SEED LEVEL SECONDS SAMPLES BEGAN

LEARNER is ppo, a2c, dqn, ddpg, td3 or sac. Runs in an environment that has stable-baselines3 beside posology, until its
greedy policy reaches the mean return LEVEL, SECONDS of wall-clock are spent, counted from BEGAN (seconds since the epoch), or
SAMPLES decisions are made, and prints one line of JSON. Its networks have the shape of ours (two tanh layers of 64), so our
evaluator judges it on the same held-out patients. Off the clock are that judging and the loading and compiling of the
simulation. `adapter_share` is the part of the wall-clock that is neither the compiled simulation of patients nor its own
learning but the translation between the two, ours to Gymnasium included.

Observations and rewards of published problems are standardised by its `VecNormalize`, as its authors recommend; those of
treatments are standardised already. A continuous dose is presented as a number from -1 to 1. It knows no forbidden rows:
one that it chooses is replaced by the next row that may be given.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

ADAPTER = "posology.environments.gym"  # the module that announces `posology/<id>` to gymnasium
HIDDEN = [64, 64]
EVERY = 0.02  # of the time or decisions it has, between two judgings
FOREVER = 1_000_000_000  # decisions, where the level or the clock ends a training
EXPLORING = 30_720  # decisions over which the share of random doses falls, as many as ours takes
FAR = 10.0  # standard deviations at which an observation is clipped, its own default
LAYERS = {
    "ppo": ("mlp_extractor.policy_net.0", "mlp_extractor.policy_net.2", "action_net"),
    "a2c": ("mlp_extractor.policy_net.0", "mlp_extractor.policy_net.2", "action_net"),
    "dqn": ("q_net.q_net.0", "q_net.q_net.2", "q_net.q_net.4"),
    "ddpg": ("actor.mu.0", "actor.mu.2", "actor.mu.4"),
    "td3": ("actor.mu.0", "actor.mu.2", "actor.mu.4"),
    "sac": ("actor.latent_pi.0", "actor.latent_pi.2", "actor.mu"),
}
CLIPPED = ("ppo", "a2c")  # draw from an unbounded Gaussian and clip; the others squash


class Clock:
    """Seconds spent in one kind of work."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self, work: Any, *arguments: Any) -> Any:
        begun = time.perf_counter()
        try:
            return work(*arguments)
        finally:
            self.seconds += time.perf_counter() - begun


def weights(learner: str, state: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    """The peer's network: weight and bias of each layer."""
    read = lambda name: state[name].cpu().numpy()  # noqa: E731
    return [(read(f"{name}.weight").T.copy(), read(f"{name}.bias").copy()) for name in LAYERS[learner]]


def greedy(spec: Any, learner: str, layers: Any, mean: Any, sd: Any) -> Any:
    """The peer's greedy policy as one of ours."""
    import jax
    import jax.numpy as jnp

    from posology.policies.policy import Policy

    def act(key: Any, observation: Any, mask: Any, memory: Any) -> tuple[Any, Any]:
        x = jax.nn.one_hot(observation[0], spec.states) if spec.states else jnp.clip((observation - mean) / sd, -FAR, FAR)
        for w, b in layers[:-1]:
            x = jnp.tanh(x @ w + b)
        out = x @ layers[-1][0] + layers[-1][1]
        if spec.discrete:
            return jnp.argmax(jnp.where(mask, out, -jnp.inf)).astype(jnp.int32), memory
        u = jnp.clip(out[0], -1.0, 1.0) if learner in CLIPPED else jnp.tanh(out[0])
        return spec.low + (spec.high - spec.low) * 0.5 * (u + 1.0), memory

    return Policy(f"sb3-{learner}", act)


def judge_of(problem: str, learner: str, env: Any) -> Callable[[Any], float]:
    """`state of the peer's policy -> mean return` on the held-out patients; `env` is what the peer learns from."""
    import jax

    from posology.benchmarks.problems import judged_on
    from posology.environments.catalogue import environment
    from posology.learners.judge import EVALUATION_SEED, evaluator

    ours, judge = environment(problem), jax.random.key(EVALUATION_SEED)
    unseen = ours.draw(jax.random.fold_in(judge, 0), judged_on(ours))
    policy_of = lambda held: greedy(ours.spec, learner, *held)  # noqa: E731
    run = evaluator(ours, policy_of, unseen, jax.random.fold_in(judge, 1))

    def judged(state: Any) -> float:
        seen = getattr(env, "obs_rms", None)
        mean, sd = (seen.mean, np.sqrt(seen.var + env.epsilon)) if seen is not None else (0.0, 1.0)
        held = (weights(learner, state), np.asarray(mean, np.float32), np.asarray(sd, np.float32))
        return float(run(held)["returns"].mean())

    return judged


def simulated(problem: str, envs: int, seed: int, simulation: Clock) -> Any:
    """Gymnasium's vector environment, compiled, with a clock around the compiled step."""
    import jax

    made = import_module("gymnasium").make_vec(
        f"{ADAPTER}:posology/{problem}", num_envs=envs, vectorization_mode="vector_entry_point"
    )
    _, info = made.reset(seed=seed)
    made.step(info["action_mask"].argmax(axis=1))
    step = made.unwrapped._many
    made.unwrapped._many = lambda *state: simulation(lambda: jax.block_until_ready(step(*state)))
    return made


def vectorised(inner: Any, seed: int, translation: Clock) -> Any:
    """A vector environment of Gymnasium as the peer wants it.

    The end of a course without discount is the end of the question, for the peer as for our learners
    (`learners.learner.suited`): nothing beyond it is to be learned.
    """
    base, envs = import_module("stable_baselines3.common.vec_env").VecEnv, inner.num_envs
    spec = inner.unwrapped.patient_spec
    lasting = spec.discount < 1

    class Adapter(base):  # type: ignore[misc, valid-type]
        """SAME_STEP autoreset: the true last observation is in `final_obs`."""

        def __init__(self) -> None:
            super().__init__(envs, inner.single_observation_space, unit_interval(inner.single_action_space))

        def reset(self) -> Any:
            return inner.reset(seed=seed)[0]

        def step_async(self, actions: Any) -> None:
            self.actions = actions

        def step_wait(self) -> Any:
            return translation(self.stepped)

        def stepped(self) -> Any:
            seen, reward, terminated, truncated, info = inner.step(meant(spec, self.actions, inner.unwrapped))
            done = terminated | truncated
            told: list[dict[str, Any]] = [{} for _ in range(envs)]
            for i in np.flatnonzero(done):
                cut = bool(lasting and truncated[i] and not terminated[i])
                told[i] = {"terminal_observation": info["final_obs"][i], "TimeLimit.truncated": cut}
            return seen, reward, done, told

        def close(self) -> None:
            inner.close()

        def get_attr(self, name: str, indices: Any = None) -> list[Any]:
            return [None] * envs

        def set_attr(self, name: str, value: Any, indices: Any = None) -> None:
            raise NotImplementedError

        def env_method(self, name: str, *arguments: Any, indices: Any = None, **named: Any) -> list[Any]:
            raise NotImplementedError

        def env_is_wrapped(self, wrapper: Any, indices: Any = None) -> list[bool]:
            return [False] * envs

    return Adapter()


def unit_interval(space: Any) -> Any:
    """The space of actions as the peer sees it: a dose from -1 to 1, as its authors recommend."""
    return type(space)(-1.0, 1.0, space.shape, np.float32) if hasattr(space, "low") else space


def meant(spec: Any, actions: Any, env: Any) -> Any:
    """Doses in physical units, and rows that may be given: the next one after a forbidden row."""
    if not spec.discrete:
        return np.clip(spec.low + (spec.high - spec.low) * 0.5 * (actions + 1.0), spec.low, spec.high)
    mask = env._mask
    if mask.all():
        return actions
    count = mask.shape[1]
    ahead = (np.asarray(actions)[:, None] + np.arange(count)) % count
    return ahead[np.arange(len(ahead)), np.take_along_axis(mask, ahead, 1).argmax(axis=1)]


def settings(learner: str, envs: int, total: int) -> dict[str, Any]:
    """Its own defaults per decision, whatever the number of environments: 2048 decisions in a rollout
    of PPO, a gradient step of DQN for every 4, and of DDPG, TD3 and SAC for every one."""
    if learner in CLIPPED:
        return {"n_steps": 2048 // envs} if learner == "ppo" else {}
    return {"gradient_steps": envs, **({"exploration_fraction": min(EXPLORING / total, 0.5)} if learner == "dqn" else {})}


def until(
    level: float, limit: float, samples: int, spent: Callable[[], float], judge: Callable[[Any], float]
) -> tuple[Any, list[Any]]:
    """A callback that ends the training at a level, a time or a number of decisions, and what it sees on the way."""
    history: list[dict[str, float]] = []

    class Judge(import_module("stable_baselines3.common.callbacks").BaseCallback):  # type: ignore[misc]
        """Judges every so often."""

        due = EVERY

        def _on_step(self) -> bool:
            seconds = spent()
            share = max(seconds / limit, self.num_timesteps / samples)
            if share < min(self.due, 1.0) - 1e-9:
                return True
            value = judge(self.model.policy.state_dict())
            self.due = share + EVERY
            history.append({"samples": self.num_timesteps, "seconds": seconds, "return_mean": value})
            print(json.dumps(history[-1]), file=sys.stderr, flush=True)
            return value < level and share < 1.0 - 1e-9

    return Judge(), history


def standardised(problem: str, env: Any, gamma: float) -> Any:
    """The environment of a published problem of numbers behind `VecNormalize`; others as they are."""
    from posology.environments.catalogue import PROBLEMS

    if problem not in PROBLEMS or PROBLEMS[problem].spec.states:
        return env
    return import_module("stable_baselines3.common.vec_env").VecNormalize(env, gamma=gamma, clip_obs=FAR)


def main(
    problem: str, learner: str, envs: str, seed: str, level: str, limit: str, samples: str, began: str
) -> None:
    """Train the peer, judge it on the way, print what came out."""
    from posology.environments.catalogue import PROBLEMS

    peers, torch = import_module("stable_baselines3"), import_module("torch")
    torch.set_num_threads(1)
    aside, simulation, translation = Clock(), Clock(), Clock()
    gamma, total = (0.99 if problem in PROBLEMS else 1.0), int(samples) or FOREVER
    env = vectorised(aside(simulated, problem, int(envs), int(seed), simulation), int(seed), translation)
    env = standardised(problem, env, gamma)
    judge = aside(judge_of, problem, learner, env)
    spent = lambda: time.time() - float(began) - aside.seconds  # noqa: E731
    callback, history = until(float(level), float(limit), total, spent, lambda state: aside(judge, state))
    shape = {"net_arch": HIDDEN, "activation_fn": torch.nn.Tanh}
    chosen = {"gamma": gamma, "seed": int(seed), "policy_kwargs": shape, "device": "cpu", **settings(learner, int(envs), total)}
    model = getattr(peers, learner.upper())("MlpPolicy", env, **chosen)
    model.learn(total, callback=callback)
    wall = spent()
    found = {"problem": problem, "learner": learner, "version": peers.__version__, "envs": int(envs), "seed": int(seed)}
    found |= {"level": float(level), "limit": float(limit), "seconds": wall, "history": history}
    found |= {"simulation_share": simulation.seconds / wall}
    print(json.dumps({**found, "adapter_share": (translation.seconds - simulation.seconds) / wall}))


if __name__ == "__main__":
    main(*sys.argv[1:9])
