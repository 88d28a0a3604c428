"""
BD-rate: how many percent more (or, negative, fewer) bytes one encoder needs than another for the same PSNR.

Bjontegaard's measure: the logarithm of the rate as a function of PSNR is interpolated through the measured points of
each encoder, and the mean difference over the range of PSNR that both cover is turned back into a ratio. The
interpolation is piecewise cubic and monotone (Fritsch-Carlson slopes, as PCHIP does it): a cubic through all points
swings where they are uneven.
"""
import math


def _slopes(x, y):
    """Fritsch-Carlson slopes at the points: monotone data give a monotone curve."""
    n = len(x)
    h = [x[i + 1] - x[i] for i in range(n - 1)]
    d = [(y[i + 1] - y[i]) / h[i] for i in range(n - 1)]
    if n == 2:
        return [d[0], d[0]]
    m = [0.0] * n
    for i in range(1, n - 1):
        if d[i - 1] * d[i] > 0:
            w1, w2 = 2 * h[i] + h[i - 1], h[i] + 2 * h[i - 1]
            m[i] = (w1 + w2) / (w1 / d[i - 1] + w2 / d[i])
    for end, (h0, h1, d0, d1) in ((0, (h[0], h[1], d[0], d[1])), (n - 1, (h[-1], h[-2], d[-1], d[-2]))):
        s = ((2 * h0 + h1) * d0 - h0 * d1) / (h0 + h1)
        if s * d0 <= 0:
            s = 0.0
        elif d0 * d1 <= 0 and abs(s) > 3 * abs(d0):
            s = 3 * d0
        m[end] = s
    return m


def _integral(x, y, low, high):
    """Integral of the interpolated curve from low to high, exact for each cubic piece."""
    m = _slopes(x, y)
    total = 0.0
    for i in range(len(x) - 1):
        a, b = max(low, x[i]), min(high, x[i + 1])
        if a >= b:
            continue
        h = x[i + 1] - x[i]
        c0, c1 = y[i], m[i]
        c2 = (3 * (y[i + 1] - y[i]) / h - 2 * m[i] - m[i + 1]) / h
        c3 = (m[i] + m[i + 1] - 2 * (y[i + 1] - y[i]) / h) / (h * h)

        def primitive(t):
            return t * (c0 + t * (c1 / 2 + t * (c2 / 3 + t * c3 / 4)))

        total += primitive(b - x[i]) - primitive(a - x[i])
    return total


def _curve(points):
    """(psnr, log rate) in order of PSNR; points that another one beats in both are kept out of the curve's way."""
    ordered = sorted((psnr, math.log(rate)) for rate, psnr in points if rate > 0 and math.isfinite(psnr))
    kept = []
    for psnr, log_rate in ordered:
        while kept and (log_rate <= kept[-1][1] or psnr - kept[-1][0] < 1e-9):
            kept.pop()
        kept.append((psnr, log_rate))
    return [p for p, _ in kept], [r for _, r in kept]


def bd_rate(anchor, tested):
    """Percent; each argument is a list of (rate, psnr). None when the curves don't overlap."""
    ax, ay = _curve(anchor)
    tx, ty = _curve(tested)
    if len(ax) < 2 or len(tx) < 2:
        return None
    low, high = max(ax[0], tx[0]), min(ax[-1], tx[-1])
    if high - low < 0.1:
        return None
    difference = (_integral(tx, ty, low, high) - _integral(ax, ay, low, high)) / (high - low)
    return 100 * (math.exp(difference) - 1)


def psnr_all(y, u, v):
    """The usual mean over the planes of 4:2:0 video."""
    return (6 * y + u + v) / 8
