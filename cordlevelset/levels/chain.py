"""The chain of discs: where they are, without a word about which they are.

Along the canal's curve places s and distances d between neighbours are chosen by dynamic programming, with g the gain
of a disc at s in its best tilt and the distance changing little from one vertebra to the next:

    V(s, d) = g(s) + max_d' [ V(s - d, d') - (ln d / d')^2 / (2 sigma^2) ]

Both ends are open. Below the sac, where the curve is lost and the sacrum turns backward, the chain goes on disc by disc
in the section itself: the best next one by distance, bend and evidence, up to three, if each gains anything. Each disc
is first turned to where it stands out best, for the next one is sought from its tilt.

Evidence has the scale of a vertebra. That of the neck is half as high as a lumbar one, so that its neighbours'
endplates would count as surroundings: the chain is sought in two sizes. The smaller is taken if it gains more, and if
its distances are those of small vertebrae: else it has found single endplates.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cordlevelset.levels.canal import lean_deg
from cordlevelset.levels.evidence import Section, disc_evidence, disc_thickness

__all__ = ["FoundDisc", "disc_chain"]

FloatArray = NDArray[np.float64]

SMALL = 0.7
"""Size of the vertebrae of neck and upper chest relative to lumbar ones, as far as shape goes: depth and discs."""
SMALL_MM = 26.0
"""They are nearer to each other than this: 17 to 24 mm, from T9 down 26 and more."""
BODIES_MM = 8.0
"""The bodies begin this far before the middle of the sac: 6 mm in the neck to 9 in the loins."""
MIDDLE_MM = 8.0
"""The middle of a disc lies this much deeper: half the depth of one in the neck."""
DISTANCES_MM = np.arange(12, 46)
"""From disc to disc: 15 mm in the neck of a small person to 43 in the loins of a tall one."""
USUAL_MM = 27.0
"""Distance that a chain starts with: between that of the neck, 17, and the loins, 38."""
USUAL_SPREAD = 0.4
"""Spread of the logarithm of that distance: all regions are within one of these."""
STEADY = 0.13
"""Spread of the logarithm of the ratio of neighbouring distances; vertebrae grow by 2 to 8 % a level."""
WEIGHT = 3.0
"""Gain of one unit of evidence, a clear disc: as much as 2.4 standard deviations of a distance or a tilt cost."""
INDIFFERENT = -0.2
"""Evidence that gains nothing along the curve, where a disc is due: half of all places between discs have less."""
TILTS_DEG = np.arange(-20.0, 45.0, 5.0)
"""Tilts of a disc against the canal: up to 40 degrees where the sac leaves the sacrum's front."""
TILT_DEG = 2.5
"""The usual tilt."""
TILT_SPREAD_DEG = 12.0
"""Standard deviation of the tilt: little in the chest, more in the loins."""
BENDS_DEG = np.arange(-10.0, 61.0, 5.0)
"""Bends from disc to disc below the curve: at the promontory 20 to 50 degrees, in the sacrum 0 to 20."""
BEND_DEG = 15.0
"""The usual bend there."""
BEND_SPREAD_DEG = 25.0
"""Its standard deviation."""
CHORDS_DEG = np.arange(-10.0, 11.0, 5.0)
"""The line between two middles, against the mean of their two directions."""
CHORD_SPREAD_DEG = 6.0
"""Its standard deviation: bodies are wedges, not steps."""
SHRINK = 0.93
"""Distances shrink below L4, by this factor a level: L5 36 mm, S1 31, S2 27."""
SHRINK_SPREAD = 0.15
"""Spread of its logarithm."""
ONWARD = 3
"""Discs sought below the curve: S1/2 to S3/4."""
REVISED = 2
"""Of the curve's last discs so many may be sought anew, for it may have lost the sac there."""
TURNS_DEG = np.arange(-20.0, 21.0, 2.5)
"""A found disc is turned by up to this much to where it stands out best."""
TURN_SPREAD_DEG = 47.0
"""A turn of 20 degrees costs 0.1 of evidence."""
MOVES_MM = np.arange(-3.0, 3.1)
"""It is moved along the spine by up to this much."""
FORWARD_MM = np.arange(-4.0, 13.0, 4.0)
"""And to the front: fat lies between sac and bodies in the loins, up to 10 mm before L5/S1."""
FORWARD_SPREAD_MM = 20.0
"""A move of 10 mm to the front costs 0.1 of evidence."""
WHOLE_MM = 12.0
"""It is then looked at over 24 mm, three quarters of a lumbar disc's depth, which show its tilt."""
FORWARD_BEND_DEG = 25.0
"""Among the last discs a spine bends so far forward at most, at the coccyx."""
BACKWARD_BEND_DEG = 60.0
"""And so far backward, at the promontory: 23 degrees are usual there, and this is 3 standard deviations more."""
STANDS_OUT = 0.1
"""Discs at the chain's ends that stand out less are left off: half of all places between discs have less than 0."""


@dataclass(frozen=True, slots=True)
class FoundDisc:
    """A disc in the section.

    Attributes
    ----------
    place_mm : (2,) array
        Its middle: plane and row, grid mm.
    lean_deg : float
        Direction of the spine through it.
    evidence : float
        e of `evidence`.
    thickness_mm : float
        Half of what lies between its endplates; 1 as long as it was not read.
    """

    place_mm: FloatArray
    lean_deg: float
    evidence: float
    thickness_mm: float = 1.0


def disc_chain(section: Section, curve: FloatArray) -> tuple[FoundDisc, ...]:
    """Find the discs along a curve and below it.

    Parameters
    ----------
    section : Section
        Along the curve.
    curve : (N, 3) array
        Middle of the canal from the top down, one point a millimetre, grid mm.

    Returns
    -------
    tuple of FoundDisc
        From the top down; empty if no two stand out.
    """
    along = _along_curve(section, curve)
    small = replace(section, size=SMALL)
    nearer = _along_curve(small, curve)
    if _gain(nearer) > _gain(along) and _usual_distance(nearer) < SMALL_MM:
        section, along = small, nearer
    settled = tuple(_settled(section, d) for d in along)
    best, discs = -np.inf, settled
    for kept in range(len(along), max(len(along) - REVISED, 2) - 1, -1):
        more, gain = _onward(section, settled[:kept])
        if gain + _gain(along[:kept]) > best:
            best, discs = gain + _gain(along[:kept]), (*settled[:kept], *more)
    seen = _without_breaks(discs)
    clear = [i for i, d in enumerate(seen) if d.evidence > STANDS_OUT]
    return seen[clear[0] : clear[-1] + 1] if len(clear) > 1 else ()


def _gain(discs: tuple[FoundDisc, ...]) -> float:
    return sum(WEIGHT * (d.evidence - INDIFFERENT) for d in discs)


def _usual_distance(discs: tuple[FoundDisc, ...]) -> float:
    """Median distance of neighbours; that of one disc alone is without end."""
    steps = np.diff([d.place_mm for d in discs], axis=0)
    return float(np.median(np.linalg.norm(steps, axis=1))) if len(discs) > 1 else np.inf


def _without_breaks(discs: tuple[FoundDisc, ...]) -> tuple[FoundDisc, ...]:
    """The chain down to where it bends as no spine does: what follows was found by chance."""
    for i in range(max(1, len(discs) - ONWARD), len(discs)):
        if not -FORWARD_BEND_DEG <= discs[i].lean_deg - discs[i - 1].lean_deg <= BACKWARD_BEND_DEG:
            return discs[:i]
    return discs


def _settled(section: Section, disc: FoundDisc) -> FoundDisc:
    """The disc turned and moved to where it stands out best."""
    turn, shift, forward = np.meshgrid(TURNS_DEG, MOVES_MM, FORWARD_MM, indexing="ij")
    lean = disc.lean_deg + turn
    along = np.stack([-np.cos(np.radians(lean)), np.sin(np.radians(lean))], axis=-1)
    places = disc.place_mm + shift[..., None] * along + forward[..., None] * _forward(lean)
    cost = (turn / TURN_SPREAD_DEG) ** 2 / 2 + (forward / FORWARD_SPREAD_MM) ** 2 / 2
    e = disc_evidence(section, places, lean, WHOLE_MM * section.size) - cost
    at = np.unravel_index(e.argmax(), e.shape)
    thickness = disc_thickness(section, places[at], float(lean[at]))
    return FoundDisc(places[at], float(lean[at]), float(e[at]), thickness)


def _along_curve(section: Section, curve: FloatArray) -> tuple[FoundDisc, ...]:
    """The chain of greatest gain before the canal."""
    direction = lean_deg(curve)
    lean = direction[:, None] + TILTS_DEG
    at_wall = curve[:, None, :2] + BODIES_MM * _forward(direction)[:, None]
    places = at_wall + MIDDLE_MM * _forward(lean)
    e = np.stack([disc_evidence(section, *at) for at in zip(places, lean, strict=True)])  # all at once take 150 MB
    gain = WEIGHT * (e - INDIFFERENT) - ((TILTS_DEG - TILT_DEG) / TILT_SPREAD_DEG) ** 2 / 2
    tilt = gain.argmax(1)
    chosen = best_chain(gain.max(1))
    return tuple(FoundDisc(places[s, tilt[s]], float(lean[s, tilt[s]]), float(e[s, tilt[s]])) for s in chosen)


def best_chain(gain: FloatArray) -> list[int]:
    """Indices, rising, of the chain of greatest total gain; distances are `DISTANCES_MM`, in steps of the curve."""
    log, n, kinds = np.log(DISTANCES_MM), len(gain), len(DISTANCES_MM)
    change = ((log[:, None] - log[None]) / STEADY) ** 2 / 2
    first = ((log - np.log(USUAL_MM)) / USUAL_SPREAD) ** 2 / 2
    total = np.full((n, kinds + 1), -np.inf)  # the last column: no disc above
    total[:, -1] = gain
    came = np.full((n, kinds), kinds)
    for s in range(n):
        reached = np.flatnonzero(s - DISTANCES_MM >= 0)
        before = total[s - DISTANCES_MM[reached]]
        before = before - np.column_stack([change[reached], first[reached]])
        came[s, reached] = before.argmax(1)
        total[s, reached] = gain[s] + before.max(1, initial=-np.inf)
    s, kind = (int(v) for v in np.unravel_index(total.argmax(), total.shape))
    chain = [s]
    while kind < kinds:
        s, kind = s - int(DISTANCES_MM[kind]), int(came[s, kind])
        chain.append(s)
    return chain[::-1]


def _onward(section: Section, discs: tuple[FoundDisc, ...]) -> tuple[list[FoundDisc], float]:
    """Discs below the last one, and what they gain."""
    more: list[FoundDisc] = []
    if len(discs) < 2:
        return more, 0.0
    last, total = discs[-1], 0.0
    distance = float(np.linalg.norm(last.place_mm - discs[-2].place_mm))
    for _ in range(ONWARD):
        steps = np.arange(max(DISTANCES_MM[0], 0.6 * distance), 1.25 * distance + 1)
        d, bend, chord = np.meshgrid(steps, BENDS_DEG, CHORDS_DEG, indexing="ij")
        way = np.radians(last.lean_deg + bend / 2 + chord)
        places = last.place_mm + d[..., None] * np.stack([-np.cos(way), np.sin(way)], axis=-1)
        e = disc_evidence(section, places, last.lean_deg + bend)
        cost = (np.log(d / distance / SHRINK) / SHRINK_SPREAD) ** 2 + (chord / CHORD_SPREAD_DEG) ** 2
        gain = WEIGHT * e - (cost + ((bend - BEND_DEG) / BEND_SPREAD_DEG) ** 2) / 2
        at = np.unravel_index(gain.argmax(), gain.shape)
        if gain[at] <= 0:
            break
        found = _settled(section, FoundDisc(places[at], float(last.lean_deg + bend[at]), float(e[at])))
        last, distance = found, float(np.linalg.norm(found.place_mm - last.place_mm))
        more.append(last)
        total += float(gain[at])
    return more, total


def _forward(lean: FloatArray) -> FloatArray:
    """Unit vectors (..., 2) to the front, across a spine of this direction."""
    a = np.radians(lean)
    return np.stack([-np.sin(a), -np.cos(a)], axis=-1)
