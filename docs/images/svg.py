#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
svg.py FILE...: makes a picture beside each file of text. NAME.txt is what a terminal showed, with its colours;
NAME.draw a drawing on a grid of characters:

    frame COLUMN ROW WIDTH HEIGHT TEXT
    box COLUMN ROW WIDTH HEIGHT TEXT		lines of the text are parted by |
    arrow COLUMN ROW COLUMN ROW [TEXT]
"""
import pathlib
import re
import sys
from xml.sax.saxutils import escape

CELL, LINE, COLUMNS = 8.4, 18, 118
COLORS = {"31": "#ff7b72", "32": "#7ee787", "33": "#e3b341", "34": "#79c0ff", "35": "#d2a8ff", "36": "#56d4dd"}
HEAD = ('<svg xmlns="http://www.w3.org/2000/svg" width="{w:.0f}" height="{h:.0f}" viewBox="0 0 {w:.0f} {h:.0f}" '
        'font-family="ui-monospace, Menlo, Consolas, DejaVu Sans Mono, monospace" font-size="14">\n')


def cells(line):
    """(character, style) of each column; a style is the set of SGR numbers in force."""
    style = ()
    for part in re.split(r"(\x1b\[[0-9;]*m)", line):
        if part.startswith("\x1b"):
            numbers = part[2:-1].split(";")
            style = () if numbers in ([""], ["0"]) else style + tuple(numbers)
        else:
            yield from ((c, style) for c in part)


def attributes(style):
    color = next((COLORS[n] for n in style if n in COLORS), None)
    return "".join([f' fill="{color}"' if color else "", ' font-weight="bold"' if "1" in style else "",
                    ' fill-opacity="0.6"' if "2" in style else ""])


def spans(row):
    start = 0
    for i in range(1, len(row) + 1):
        if i == len(row) or row[i][1] != row[start][1]:
            text = escape("".join(c for c, _ in row[start:i]))
            yield f'<tspan{attributes(row[start][1])}>{text}</tspan>'
            start = i


def terminal(text):
    rows = []
    for line in text.splitlines():
        all_cells = list(cells(line))
        rows += [all_cells[i:i + COLUMNS] for i in range(0, max(len(all_cells), 1), COLUMNS)]
    width, height = COLUMNS * CELL + 32, len(rows) * LINE + 60
    out = [HEAD.format(w=width, h=height), f'<rect width="{width:.0f}" height="{height}" rx="8" fill="#0d1117"/>\n']
    out += [f'<circle cx="{20 + 18 * i}" cy="18" r="6" fill="{c}"/>\n'
            for i, c in enumerate(("#ff5f56", "#ffbd2e", "#27c93f"))]
    for i, row in enumerate(rows):
        out.append(f'<text x="16" y="{52 + i * LINE}" fill="#e6edf3" xml:space="preserve">{"".join(spans(row))}</text>\n')
    return "".join(out) + "</svg>\n"


def labels(x, y, text, anchor="middle", extra=""):
    lines = text.split("|")
    top = y - (len(lines) - 1) * LINE / 2 + 5
    return "".join(f'<text x="{x:.0f}" y="{top + i * LINE:.0f}" text-anchor="{anchor}"{extra}>{escape(line)}</text>\n'
                   for i, line in enumerate(lines))


def shape(kind, numbers, text):
    x, y, w, h = numbers[0] * CELL, numbers[1] * LINE, numbers[2] * CELL, numbers[3] * LINE
    if kind == "arrow":
        label = labels((x + w) / 2, (y + h) / 2 - 12, text, extra=' font-size="12"') if text else ""
        return (f'<line x1="{x:.0f}" y1="{y:.0f}" x2="{w:.0f}" y2="{h:.0f}" stroke="#57606a" stroke-width="1.5" '
                f'marker-end="url(#head)"/>\n{label}')
    if kind == "frame":
        return (f'<rect x="{x:.0f}" y="{y:.0f}" width="{w:.0f}" height="{h:.0f}" rx="10" fill="#f6f8fa" stroke="#8c959f" '
                f'stroke-dasharray="5 4"/>\n' + labels(x + 10, y + 14, text, "start", ' font-size="12" fill="#57606a"'))
    return (f'<rect x="{x:.0f}" y="{y:.0f}" width="{w:.0f}" height="{h:.0f}" rx="5" fill="#ddf4ff" stroke="#0969da"/>\n' +
            labels(x + w / 2, y + h / 2, text))


def drawing(text):
    rows = [line.split(None, 5) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    shapes = [(r[0], [float(n) for n in r[1:5]], r[5] if len(r) > 5 else "") for r in rows]
    width = max(n[0] + n[2] for k, n, _ in shapes if k != "arrow") * CELL + 16
    height = max(n[1] + n[3] for k, n, _ in shapes if k != "arrow") * LINE + 16
    return (HEAD.format(w=width, h=height) + '<defs><marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" '
            'markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z" fill="#57606a"/></marker></defs>\n'
            f'<rect width="{width:.0f}" height="{height:.0f}" fill="white"/>\n' + "".join(shape(*s) for s in shapes) +
            "</svg>\n")


def picture(path):
    text = path.read_text(encoding="utf-8")
    return terminal(text) if path.suffix == ".txt" else drawing(text)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        pathlib.Path(name).with_suffix(".svg").write_text(picture(pathlib.Path(name)), encoding="utf-8")
