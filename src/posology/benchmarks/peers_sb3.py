"""Stable-Baselines3 on the same problem, patients and judge: `python -m posology.benchmarks.peers_sb3 …`.

    python -m posology.benchmarks.peers_sb3 PROBLEM ppo|dqn ENVS SEED LEVEL SECONDS BEGAN

Runs in an environment that has stable-baselines3 beside posology, until its greedy policy reaches the
mean return LEVEL or SECONDS of wall-clock are spent, counted from BEGAN (seconds since the epoch), and
prints one line of JSON. Its networks have the shape of ours (two tanh layers of 64), so our evaluator
judges it on the same held-out patients. Off the clock are that judging and the loading and compiling of
the simulation. `adapter_share` is the part of the wall-clock that is neither the compiled simulation of
patients nor its own learning but the translation between the two, ours to Gymnasium included.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

ADAPTER = "posology.environments.gym"  # the module that announces `posology/<treatment>` to gymnasium
HIDDEN = [64, 64]
EVERY = 0.02  # of the time it has, between two judgings
FOREVER = 1_000_000_000  # decisions; the level or the clock ends a training
EXPLORING = 30_720  # decisions over which the share of random doses falls, as many as ours takes
LAYERS = {
    "ppo": ("mlp_extractor.policy_net.0", "mlp_extractor.policy_net.2", "action_net"),
    "dqn": ("q_net.q_net.0", "q_net.q_net.2", "q_net.q_net.4"),
}


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


def weights(learner: str, state: Any, inputs: int) -> dict[str, Any]:
    """The peer's network as arrays of ours."""
    names = ("layer0", "layer1", "head")
    found: dict[str, Any] = {
        "observation.mean": np.zeros(inputs, np.float32),
        "observation.sd": np.ones(inputs, np.float32),
    }
    for ours, theirs in zip(names, LAYERS[learner], strict=True):
        found[f"{ours}.w"] = state[f"{theirs}.weight"].cpu().numpy().T.copy()
        found[f"{ours}.b"] = state[f"{theirs}.bias"].cpu().numpy().copy()
    return found


def judge_of(problem: str, learner: str) -> Callable[[Any], float]:
    """`state of the peer's policy -> mean return` on the held-out patients."""
    import jax

    from posology.benchmarks.evidence import HELD_OUT
    from posology.environments.catalogue import treatment
    from posology.environments.protocol import TreatmentEnvironment
    from posology.learners.catalogue import learner as class_of
    from posology.learners.judge import EVALUATION_SEED, evaluator

    env, judge, ours = TreatmentEnvironment(treatment(problem)), jax.random.key(EVALUATION_SEED), class_of(learner)()
    unseen = env.draw(jax.random.fold_in(judge, 0), HELD_OUT)
    policy_of = lambda arrays: ours.policy(arrays, env.spec)  # noqa: E731
    run = evaluator(env, policy_of, unseen, jax.random.fold_in(judge, 1))
    return lambda state: float(run(weights(learner, state, env.spec.size))["returns"].mean())


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
    lasting = inner.unwrapped.patient_spec.discount < 1

    class Adapter(base):  # type: ignore[misc, valid-type]
        """SAME_STEP autoreset: the true last observation is in `final_obs`."""

        def __init__(self) -> None:
            super().__init__(envs, inner.single_observation_space, inner.single_action_space)

        def reset(self) -> Any:
            return inner.reset(seed=seed)[0]

        def step_async(self, actions: Any) -> None:
            self.actions = actions

        def step_wait(self) -> Any:
            return translation(self.stepped)

        def stepped(self) -> Any:
            seen, reward, terminated, truncated, info = inner.step(self.actions)
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


def settings(learner: str, envs: int) -> dict[str, Any]:
    """Its own defaults per decision, whatever the number of environments: 2048 decisions in a rollout
    of PPO, a gradient step of DQN for every 4."""
    if learner == "ppo":
        return {"n_steps": 2048 // envs}
    return {"gradient_steps": envs, "exploration_fraction": EXPLORING / FOREVER}


def until(
    level: float, limit: float, spent: Callable[[], float], judge: Callable[[Any], float]
) -> tuple[Any, list[Any]]:
    """A callback that ends the training at a level or a time, and what it sees on the way."""
    history: list[dict[str, float]] = []

    class Judge(import_module("stable_baselines3.common.callbacks").BaseCallback):  # type: ignore[misc]
        """Judges every so often."""

        due = EVERY * limit

        def _on_step(self) -> bool:
            seconds = spent()
            if seconds < min(self.due, limit):
                return True
            value = judge(self.model.policy.state_dict())
            self.due = seconds + EVERY * limit
            history.append({"samples": self.num_timesteps, "seconds": seconds, "return_mean": value})
            print(json.dumps(history[-1]), file=sys.stderr, flush=True)
            return value < level and seconds < limit

    return Judge(), history


def main(problem: str, learner: str, envs: str, seed: str, level: str, limit: str, began: str) -> None:
    """Train the peer, judge it on the way, print what came out."""
    peers, torch = import_module("stable_baselines3"), import_module("torch")
    torch.set_num_threads(1)
    aside, simulation, translation = Clock(), Clock(), Clock()
    judge = aside(judge_of, problem, learner)
    env = vectorised(aside(simulated, problem, int(envs), int(seed), simulation), int(seed), translation)
    spent = lambda: time.time() - float(began) - aside.seconds  # noqa: E731
    callback, history = until(float(level), float(limit), spent, lambda state: aside(judge, state))
    shape = {"net_arch": HIDDEN, "activation_fn": torch.nn.Tanh}
    chosen = {"gamma": 1.0, "seed": int(seed), "policy_kwargs": shape, "device": "cpu", **settings(learner, int(envs))}
    model = {"ppo": peers.PPO, "dqn": peers.DQN}[learner]("MlpPolicy", env, **chosen)
    model.learn(FOREVER, callback=callback)
    wall = spent()
    found = {"problem": problem, "learner": learner, "version": peers.__version__, "envs": int(envs), "seed": int(seed)}
    found |= {"level": float(level), "limit": float(limit), "seconds": wall, "history": history}
    found |= {"simulation_share": simulation.seconds / wall}
    print(json.dumps({**found, "adapter_share": (translation.seconds - simulation.seconds) / wall}))


if __name__ == "__main__":
    main(*sys.argv[1:8])
