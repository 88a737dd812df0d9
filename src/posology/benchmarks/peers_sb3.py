"""Stable-Baselines3 on the same problem, patients and judge: `python -m posology.benchmarks.peers_sb3 …`.

    python -m posology.benchmarks.peers_sb3 PROBLEM ppo|dqn ENVS SEED STEPS OUT.json

Runs in an environment that has stable-baselines3 beside posology. Its networks have the shape of ours
(two tanh layers of 64), so its greedy policy is judged by our evaluator on the same held-out patients,
off the clock. `adapter_share` is the part of the wall-clock that is neither the simulation of
patients nor its own learning but the translation between the two: a comparison counts below 0.3.
"""

from __future__ import annotations

import json
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

ADAPTER = "posology.environments.gym"  # the module that announces `posology/<treatment>` to gymnasium
HIDDEN = [64, 64]
JUDGINGS = 40
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
    found: dict[str, Any] = {"observation.mean": np.zeros(inputs, np.float32), "observation.sd": np.ones(inputs, np.float32)}
    for ours, theirs in zip(names, LAYERS[learner], strict=True):
        found[f"{ours}.w"] = state[f"{theirs}.weight"].cpu().numpy().T.copy()
        found[f"{ours}.b"] = state[f"{theirs}.bias"].cpu().numpy().copy()
    return found


def judge_of(problem: str, learner: str) -> Any:
    """`arrays -> mean return` on the held-out patients, and the length of an observation."""
    import jax

    from posology.benchmarks.evidence import HELD_OUT
    from posology.environments.catalogue import treatment
    from posology.environments.protocol import TreatmentEnvironment
    from posology.learners.catalogue import learner as class_of
    from posology.learners.loops import EVALUATION_SEED, evaluator

    env, judge, ours = TreatmentEnvironment(treatment(problem)), jax.random.key(EVALUATION_SEED), class_of(learner)()
    unseen = env.draw(jax.random.fold_in(judge, 0), HELD_OUT)
    policy_of = lambda arrays: ours.policy(arrays, env.spec)  # noqa: E731
    run = evaluator(env, policy_of, unseen, jax.random.fold_in(judge, 1))
    return (lambda arrays: float(run(arrays)["returns"].mean())), env.spec.size


def vectorised(problem: str, envs: int, seed: int, simulation: Clock) -> Any:
    """Gymnasium's vector environment as the peer wants it."""
    gymnasium, base = import_module("gymnasium"), import_module("stable_baselines3.common.vec_env").VecEnv
    name = f"{ADAPTER}:posology/{problem}"
    inner = gymnasium.make_vec(name, num_envs=envs, vectorization_mode="vector_entry_point")

    class Adapter(base):  # type: ignore[misc, valid-type]
        """SAME_STEP autoreset: the true last observation is in `final_obs`."""

        def __init__(self) -> None:
            super().__init__(envs, inner.single_observation_space, inner.single_action_space)

        def reset(self) -> Any:
            return inner.reset(seed=seed)[0]

        def step_async(self, actions: Any) -> None:
            self.actions = actions

        def step_wait(self) -> Any:
            seen, reward, terminated, truncated, info = simulation(inner.step, self.actions)
            done = terminated | truncated
            told: list[dict[str, Any]] = [{} for _ in range(envs)]
            for i in np.flatnonzero(done):
                told[i] = {
                    "terminal_observation": info["final_obs"][i],
                    "TimeLimit.truncated": bool(truncated[i] and not terminated[i]),
                }
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


def main(problem: str, learner: str, envs: str, seed: str, steps: str, out: str) -> None:
    """Train the peer, judge it on the way, write what came out."""
    begun = time.perf_counter()
    peers, torch = import_module("stable_baselines3"), import_module("torch")
    callbacks = import_module("stable_baselines3.common.callbacks")
    judge, inputs = judge_of(problem, learner)
    simulation, judging, translation = Clock(), Clock(), Clock()
    env = vectorised(problem, int(envs), int(seed), simulation)
    env.step_wait = lambda inside=env.step_wait: translation(inside)
    history: list[dict[str, float]] = []
    every = max(int(steps) // JUDGINGS, int(envs))

    class Judge(callbacks.BaseCallback):  # type: ignore[name-defined]
        """Judges every so many decisions."""

        def _on_step(self) -> bool:
            if self.num_timesteps // every > len(history):
                arrays = weights(learner, self.model.policy.state_dict(), inputs)
                value = judging(judge, arrays)
                spent = time.perf_counter() - begun - judging.seconds
                history.append({"samples": self.num_timesteps, "seconds": spent, "return_mean": value})
                print(json.dumps(history[-1]), flush=True)
            return True

    shape = {"net_arch": HIDDEN, "activation_fn": torch.nn.Tanh}
    kind = {"ppo": peers.PPO, "dqn": peers.DQN}[learner]
    model = kind("MlpPolicy", env, gamma=1.0, seed=int(seed), policy_kwargs=shape, device="cpu")
    model.learn(int(steps), callback=Judge())
    wall = time.perf_counter() - begun - judging.seconds
    found = {
        "problem": problem,
        "learner": f"sb3-{learner}",
        "version": peers.__version__,
        "envs": int(envs),
        "seed": int(seed),
        "seconds": wall,
        "simulation_share": simulation.seconds / wall,
        "adapter_share": (translation.seconds - simulation.seconds) / wall,
        "history": history,
    }
    Path(out).write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:7])
