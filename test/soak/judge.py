"""Whether a series of measurements stays where it is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sample:
    at: float  # Seconds since the churn began.
    rss_kib: int
    descriptors: int


@dataclass(frozen=True)
class Verdict:
    flat: bool
    words: str


def settled(samples: list[Sample]) -> list[Sample]:
    """The last two thirds: what is loaded once, and pools that fill, belong to the first."""
    end = samples[-1].at
    return [sample for sample in samples if sample.at >= end / 3]


def slope(points: list[tuple[float, float]]) -> float:
    """Of the line with the least squares, per second."""
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0


def judge_memory(samples: list[Sample]) -> Verdict:
    """The line through the last two thirds rises over them by no more than 1 MiB or 5 % of what is resident, whichever is
    more: in ten minutes a leak of 3 KiB a second is seen, the allocator's pages that come and go are not."""
    points = [(sample.at, float(sample.rss_kib)) for sample in settled(samples)]
    rise = slope(points) * (points[-1][0] - points[0][0])
    mean = sum(y for _, y in points) / len(points)
    bound = max(1024.0, mean / 20)
    words = f"memory: {mean / 1024:.1f} MiB, rises by {rise:+.0f} KiB over the last two thirds (bound {bound:.0f} KiB)"
    return Verdict(rise <= bound, words)


def judge_descriptors(samples: list[Sample]) -> Verdict:
    """The most of the last third is no more than the most of the second third and 8, for what is open at that moment."""
    late = settled(samples)
    middle = (late[0].at + late[-1].at) / 2
    before = max(sample.descriptors for sample in late if sample.at <= middle)
    after = max(sample.descriptors for sample in late if sample.at >= middle)
    words = f"descriptors: at most {before} in the second third, {after} in the last (bound {before + 8})"
    return Verdict(after <= before + 8, words)
