"""Rate-distortion curves as one SVG: a small chart a clip, bytes a frame (logarithmic) against Y-PSNR."""
import math
from xml.sax.saxutils import escape

COLOURS = {"diffy": "#d62728", "x264-medium": "#7f7f7f", "x265-medium": "#1f77b4", "svtav1-p8": "#2ca02c",
           "svtav1-p4": "#9467bd"}
WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 420, 300, 52, 40, 28, 14
COLUMNS = 3


def _ticks(low, high):
    """1, 2, 5 x 10^n within the range."""
    return [m * 10.0 ** e for e in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
            for m in (1, 2, 5) if low <= m * 10.0 ** e <= high]


def _number(value):
    return "%.0f" % value if value >= 10 else "%g" % value


class _Axes:
    """Maps bytes a frame and dB to a chart's pixels."""

    def __init__(self, points):
        rates, psnrs = [r for r, _ in points], [p for _, p in points]
        self.low, self.high = min(rates) / 1.15, max(rates) * 1.15
        self.bottom, self.top = math.floor(min(psnrs) - 0.5), math.ceil(max(psnrs) + 0.5)

    def x(self, rate):
        share = math.log(rate / self.low) / math.log(self.high / self.low)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, psnr):
        return TOP + (self.top - psnr) / (self.top - self.bottom) * (HEIGHT - TOP - BOTTOM)


def _grid(axes):
    out = []
    for rate in _ticks(axes.low, axes.high):
        x = axes.x(rate)
        out.append('<path class="grid" d="M%.1f %dV%d"/>' % (x, TOP, HEIGHT - BOTTOM))
        out.append('<text x="%.1f" y="%d" text-anchor="middle">%s</text>' % (x, HEIGHT - BOTTOM + 15, _number(rate)))
    step = 5 if axes.top - axes.bottom > 12 else 2
    for psnr in range(-(-axes.bottom // step) * step, axes.top + 1, step):
        y = axes.y(psnr)
        out.append('<path class="grid" d="M%d %.1fH%d"/>' % (LEFT, y, WIDTH - RIGHT))
        out.append('<text x="%d" y="%.1f" text-anchor="end">%d</text>' % (LEFT - 6, y + 4, psnr))
    return out


def _chart(title, curves):
    axes = _Axes([p for points in curves.values() for p in points])
    out = ['<text class="title" x="%d" y="17">%s</text>' % (LEFT, escape(title))] + _grid(axes)
    for name, points in curves.items():
        colour = COLOURS.get(name, "#000")
        places = [(axes.x(r), axes.y(p)) for r, p in sorted(points)]
        out.append('<polyline fill="none" stroke="%s" stroke-width="2" points="%s"/>' %
                   (colour, " ".join("%.1f,%.1f" % place for place in places)))
        out += ['<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>' % (x, y, colour) for x, y in places]
    out.append('<text x="%d" y="%d" text-anchor="middle">bytes a frame</text>' % ((LEFT + WIDTH) // 2, HEIGHT - 8))
    out.append('<text transform="translate(13 %d) rotate(-90)" text-anchor="middle">Y-PSNR, dB</text>' % (HEIGHT // 2))
    return out


def svg(charts, labels):
    """charts: list of (title, {encoder: [(bytes a frame, psnr)]})."""
    charts = [(t, {n: [p for p in ps if math.isfinite(p[1])] for n, ps in c.items()}) for t, c in charts]
    charts = [(t, {n: ps for n, ps in c.items() if ps}) for t, c in charts]
    charts = [(t, c) for t, c in charts if c]
    rows = -(-len(charts) // COLUMNS)
    width, height = COLUMNS * WIDTH, rows * HEIGHT + 30
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d">' % (width, height, width, height),
           '<style>text{font:11px sans-serif;fill:#333}.title{font-weight:bold;font-size:13px}.grid{stroke:#ddd}</style>',
           '<rect width="100%" height="100%" fill="#fff"/>']
    for i, (title, curves) in enumerate(charts):
        out.append('<g transform="translate(%d %d)">' % (i % COLUMNS * WIDTH, i // COLUMNS * HEIGHT + 30))
        out += _chart(title, curves) + ["</g>"]
    x = LEFT
    for name, label in labels.items():
        out.append('<path stroke="%s" stroke-width="3" d="M%d 15h22"/>' % (COLOURS.get(name, "#000"), x))
        out.append('<text x="%d" y="19">%s</text>' % (x + 28, escape(label)))
        x += 50 + 8 * len(label)
    return "\n".join(out + ["</svg>", ""])
