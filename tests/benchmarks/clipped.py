"""Would clipped density and coverage tell good generators from bad ones better than our measures?

    python tests/benchmarks/clipped.py                 # some 25 minutes on one core
    python tests/benchmarks/clipped.py --steps 1000 --only dcgan

trains the honest GANs of ``fixtures/gan/grid.py`` and those of ``fixtures/gan/edits.py`` whose
mistake keeps a generator from learning, once each, and measures 600 images of each by both.
Printed is how often an honest one has the better value than a wrong one (the area under the ROC
curve, ties half), and how many wrong ones are above the value that 95 % of the honest ones reach.

Clipped density and coverage: Salvy, Talbot, Thirion 2025 (arXiv:2507.01761), with k = 5 as there,
in the features in which ours are measured.
"""

from __future__ import annotations

import argparse
import os
import sys
import types
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "fixtures"))

import calibrate_gan  # noqa: E402 - from fixtures
import numpy as np  # noqa: E402
import torch  # noqa: E402

from grader.checks.gan.evidence import BATCH, LATENT, SAMPLES, area, noise  # noqa: E402
from grader.gan_metrics.measure import digits, distances, features, measure  # noqa: E402
from grader.gan_metrics.thresholds import fraction  # noqa: E402
from grader.sandbox.gan.helpers import adam, builder  # noqa: E402

Array = np.ndarray

K = 5


def balls(real: Array) -> tuple[Array, Array]:
    """Distances among real points (N, N), and how far each has it to its k-th neighbour (N,)."""
    among = distances(real, real)
    np.fill_diagonal(among, np.inf)
    return among, np.sort(among, axis=1)[:, K - 1]


def clipped_density(real: Array, fake: Array) -> float:
    """How many of the fake points are where real ones are, 0 … 1.

    Each counts by the real balls that it lies in, up to k of them; a ball reaches to the k-th real
    neighbour, but not beyond the median of these radii.  Real points by the same count are 1.

    Args:
        real: (N, F).
        fake: (M, F).
    """
    among, radii = balls(real)
    radii = np.minimum(radii, np.median(radii))
    counted, own = (
        np.minimum((d <= radii[:, None]).sum(0) / K, 1).mean()
        for d in (distances(real, fake), among)
    )
    return float(min(counted / own, 1))


def clipped_coverage(real: Array, fake: Array) -> float:
    """Which share of good points among as many would cover the real ones as well, 0 … 1.

    A real point is covered by the share of k that lie nearer than its k-th real neighbour, at most
    1.  Of m points of the same distribution, as many do as a beta-binomial draw of m says.

    Args:
        real: (N, F).
        fake: (M, F).
    """
    from scipy.stats import betabinom  # takes longer to import than most tests take

    _, radii = balls(real)
    covered = np.minimum((distances(real, fake) < radii[:, None]).sum(1) / K, 1).mean()
    expected = [
        float((betabinom(m, K, len(real) - K).pmf(range(K)) * (np.arange(K) / K - 1)).sum() + 1)
        for m in range(1, len(fake) + 1)
    ]
    return float(np.searchsorted([0.0, *expected], covered) / (len(fake) + 1))


def samples_of(name: str, steps: int) -> Array | None:
    """600 images of a GAN that was trained for so many steps; none if it raises."""
    module = types.ModuleType("gan")
    exec(compile(calibrate_gan.text_of(name), name, "exec"), vars(module))
    torch.manual_seed(0)
    z, images = torch.from_numpy(noise(SAMPLES, LATENT, seed=7)), torch.from_numpy(digits().train)
    try:
        generator, discriminator = builder(vars(module), LATENT)()
        both = adam(generator), adam(discriminator)
        module.train(generator, discriminator, *both, images, steps, BATCH, LATENT, 0)
        with torch.no_grad():
            drawn = generator.eval()(z).numpy()
    except Exception as error:
        print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
        return None
    return np.clip(drawn, -1, 1).astype(np.float32) if np.isfinite(drawn).all() else None


def values_of(samples: Array | None) -> dict[str, float]:
    """All measures, large where it is good."""
    if samples is None:
        return dict.fromkeys(VALUES, -1.0)
    quality = measure(samples)
    real, fake = features(digits().held_out)[0], features(samples)[0]
    density, coverage = clipped_density(real, fake), clipped_coverage(real, fake)
    values = (
        *(quality.coverage, -quality.mmd2, quality.entropy, fraction(quality).fraction),
        *(density, coverage, min(density, coverage)),
    )
    return dict(zip(VALUES, values, strict=True))


VALUES = (
    *("coverage", "-MMD2", "entropy", "share of the points"),
    *("clipped density", "clipped coverage", "the less of both"),
)


def main() -> int:
    """Train, measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--only", default="", help="names with this in them")
    given = parser.parse_args()
    torch.set_num_threads(1)
    trained = [
        (kind, name)
        for kind, name, _, _ in calibrate_gan.plan(1)
        if kind in ("honest", "broken") and given.only in name
        if kind == "honest" or name not in calibrate_gan.HARMLESS
    ]
    print(f"{'':8} {'':36} " + "  ".join(VALUES))
    found: dict[str, list[dict[str, float]]] = {"honest": [], "broken": []}
    for kind, name in trained:
        values = values_of(samples_of(name, given.steps))
        found[kind].append(values)
        row = "  ".join(f"{values[v]:{len(v)}.3f}" for v in VALUES)
        print(f"{kind:8} {name:36} {row}", flush=True)
    for name, images in calibrate_gan.floor_images().items():
        values = values_of(np.clip(images, -1, 1).astype(np.float32))
        print(f"{'floor':8} {name:36} " + "  ".join(f"{values[v]:{len(v)}.3f}" for v in VALUES))
    if not all(found.values()):
        return 0
    print(f"\n{'':20} honest above wrong   wrong above 95 % of the honest")
    for value in VALUES:
        good, bad = (np.array([one[value] for one in found[kind]]) for kind in found)
        least = np.quantile(good, 0.05)
        print(f"{value:20} {area(good, bad):18.3f}   {(bad >= least).mean():.1%}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
