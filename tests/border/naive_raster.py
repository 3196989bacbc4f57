"""Slow, plain twins of the rasterising kernels."""

import numpy as np


def polygon_coverage(y, x, shape):
    """Each unit cell clipped out of the polygon by its four sides (Sutherland, Hodgman 1974); surveyor's formula."""
    out = np.zeros(shape)
    for row in range(shape[0]):
        for column in range(shape[1]):
            points = list(zip(y, x, strict=True))
            for axis, side, sign in ((0, row, 1), (0, row + 1, -1), (1, column, 1), (1, column + 1, -1)):
                points = _clip(points, axis, side, sign)
            if points:
                p = np.array(points)
                q = np.roll(p, -1, axis=0)
                out[row, column] = abs((p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0]).sum()) / 2
    return out


def _clip(points, axis, side, sign):
    kept = []
    for p, q in zip(points, [*points[1:], *points[:1]], strict=True):
        a, b = sign * (p[axis] - side), sign * (q[axis] - side)
        if a >= 0:
            kept.append(p)
        if (a > 0 > b) or (a < 0 < b):
            t = a / (a - b)
            kept.append((p[0] + t * (q[0] - p[0]), p[1] + t * (q[1] - p[1])))
    return kept


def polygon_distance(y, x, rows, columns):
    """Nearest of very many points on the edges; inside by the winding number."""
    share = np.linspace(0, 1, 2001)[:, None]
    edge_y = (y + share * (np.roll(y, -1) - y)).ravel()
    edge_x = (x + share * (np.roll(x, -1) - x)).ravel()
    out = np.empty((len(rows), len(columns)))
    for r, row in enumerate(rows):
        for c, column in enumerate(columns):
            angle = np.unwrap(np.append(a := np.arctan2(y - row, x - column), a[0]))
            sign = -1 if abs(angle[-1] - angle[0]) > np.pi else 1
            out[r, c] = sign * np.hypot(edge_y - row, edge_x - column).min()
    return out
