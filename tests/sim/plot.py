#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""plot.py LATENESS... > docs/lateness.svg: how late teardowns were, from what `sim --lateness FILE`
has written: the share that is still there, over the time after the deadline, both logarithmic."""
import json
import math
import sys

LEFT, TOP, WIDTH, HEIGHT = 64, 44, 560, 260
MIN_S, MAX_S = 0.1, 300.0
MIN_SHARE = 1e-5
COLOURS = {'ec2': '#d97706', 'nova': '#2563eb', 'local': '#059669'}
STYLE = """<style>
text{font:12px system-ui,sans-serif;fill:#333}.t{font-size:14px;font-weight:600}
.g{stroke:#8884;stroke-width:1}.goal{stroke:#dc2626;stroke-width:1;stroke-dasharray:5 4}
.l{fill:none;stroke-width:2}.hard{stroke-dasharray:2 3}
@media(prefers-color-scheme:dark){text{fill:#ddd}}
</style>"""


def x_of(seconds):
    low, high = math.log10(MIN_S), math.log10(MAX_S)
    return LEFT + WIDTH * (math.log10(min(max(seconds, MIN_S), MAX_S)) - low) / (high - low)


def y_of(share):
    return TOP + HEIGHT * math.log10(max(share, MIN_SHARE)) / math.log10(MIN_SHARE)


def text(x, y, words, anchor='start', extra=''):
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}"{extra}>{words}</text>'


def line(x1, y1, x2, y2, kind):
    return f'<line x1="{x1:.0f}" y1="{y1:.0f}" x2="{x2:.0f}" y2="{y2:.0f}" class="{kind}"/>'


def curve(row):
    """What share is left after each moment; thinned to a point for every two pixels."""
    total = left = sum(count for _, count in row['late'])
    points = [(x_of(MIN_S), y_of(1))]
    for slot, count in row['late']:
        x, before = x_of((slot + 1) / 10), y_of(left / total)
        left -= count
        after = y_of(left / total)
        if x - points[-1][0] >= 2 or after - points[-1][1] >= 2 or not left:
            points += [(x, before), (x, after)]
    path = 'M' + 'L'.join(f'{x:.0f} {y:.0f}' for x, y in points)
    hard = ' hard' if row['rates'] == 'hard' else ''
    return f'<path class="l{hard}" stroke="{COLOURS[row["cloud"]]}" d="{path}"/>'


def axes():
    out = []
    for seconds in (0.1, 1, 10, 60, 300):
        x = x_of(seconds)
        out.append(line(x, TOP, x, TOP + HEIGHT, 'goal' if seconds in (10, 60) else 'g'))
        out.append(text(x, TOP + HEIGHT + 18, f'{seconds:g} s', 'middle'))
    for power in range(0, 6):
        y = y_of(10 ** -power)
        out.append(line(LEFT, y, LEFT + WIDTH, y, 'g'))
        out.append(text(LEFT - 8, y + 4, f'{100 / 10 ** power:g} %', 'end'))
    out.append(text(x_of(10) + 4, TOP + 14, 'p99'))
    out.append(text(x_of(60) + 4, TOP + 14, 'all'))
    return out


def legend(rows):
    out = []
    for n, row in enumerate(rows):  # a column for each cloud
        x, y = LEFT + n % 3 * 150, TOP + HEIGHT + 42 + n // 3 * 18
        hard = ' hard' if row['rates'] == 'hard' else ''
        out.append(f'<line x1="{x}" y1="{y - 4}" x2="{x + 22}" y2="{y - 4}" class="l{hard}" '
                   f'stroke="{COLOURS[row["cloud"]]}"/>')
        out.append(text(x + 26, y, f'{row["cloud"]}, {row["rates"]}'))
    return out


def main():
    rows = {}
    for name in sys.argv[1:]:
        with open(name, encoding='utf-8') as file:
            for words in file:
                row = json.loads(words)
                rows[row['cloud'], row['rates']] = row
    if not rows:
        sys.exit(__doc__)
    order = sorted(rows, key=lambda key: (key[1] == 'hard', list(COLOURS).index(key[0])))
    seeds = sum(row['seeds'] for row in rows.values())
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 40} '
           f'{TOP + HEIGHT + 72}" role="img" aria-label="How late teardowns are under faults">',
           STYLE, text(LEFT, 24, f'Still there after the deadline, under faults ({seeds:,} seeds)',
                       extra=' class="t"')]
    out += axes() + [curve(rows[key]) for key in order] + legend([rows[key] for key in order])
    print('\n'.join(out + ['</svg>']))


if __name__ == '__main__':
    main()
