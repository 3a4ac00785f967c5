#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A dashboard for a terminal: rate, rules and pods with the most alerts, the newest alerts. q ends it.

    dashboard.py --unix /run/falco/falco.sock
    dashboard.py --unix /run/falco/falco.sock --seconds 10 --plain    (one look, as text)
"""

import collections
import curses
import threading
import time

import resume
import subscribe

WINDOW = 300  # seconds that "most" is about
BARS = " ▁▂▃▄▅▆▇█"


class State:
    """What has been seen; the reading thread fills it, the drawing one reads."""

    def __init__(self, name):
        self.lock, self.name = threading.Lock(), name
        self.total = self.lost = 0
        self.seen = collections.deque()  # (arrival, rule, pod)
        self.newest = collections.deque(maxlen=100)
        self.ticks = collections.deque([0] * 60, maxlen=60)  # alerts of each of the last seconds
        self.second = int(time.monotonic())

    def turn(self, now):
        while self.second < int(now):
            self.second += 1
            self.ticks.append(0)
        while self.seen and self.seen[0][0] < now - WINDOW:
            self.seen.popleft()

    def take(self, response):
        now = time.monotonic()
        with self.lock:
            self.turn(now)
            if response.HasField("lost"):
                self.lost += response.lost.count
            elif not response.bookmark:
                fields = response.output_fields
                pod = "/".join(v for k in ("k8s.ns.name", "k8s.pod.name")
                               if (v := fields.get(k)) not in (None, "", "<NA>")) or response.hostname
                self.total += 1
                self.ticks[-1] += 1
                self.seen.append((now, response.rule, pod))
                self.newest.appendleft((response.time, response.priority, response.rule,
                                        response.message or response.output))


def safe(text):
    """Alerts hold what an attacker chose: nothing of it may steer a terminal."""
    return "".join(c if c.isprintable() else "·" for c in text)


def ranking(title, names, rows, width):
    counts = collections.Counter(names).most_common(rows - 1)
    lines = [title] + [f"{n:>7} {safe(what)}" for what, n in counts]
    return [line[:width].ljust(width) for line in lines + [""] * (rows - len(lines))]


def frame(state, width, height):
    """[(line, priority or None)] of that size."""
    with state.lock:
        state.turn(time.monotonic())
        ticks, total, lost = list(state.ticks), state.total, state.lost
        rules, pods = [s[1] for s in state.seen], [s[2] for s in state.seen]
        newest = list(state.newest)
    top = max(max(ticks), 1)
    bars = "".join(BARS[-(-t * (len(BARS) - 1) // top)] for t in ticks)
    lost_text = f", {lost} lost" if lost else ""
    lines = [(f"{sum(ticks[-11:-1]) / 10:.1f}/s  {bars}  {total} alerts{lost_text}", None), ("", None)]
    rows, half = max(3, (height - 4) // 3), width // 2
    for left, right in zip(ranking("rules", rules, rows, half - 1), ranking("pods", pods, rows, half - 1)):
        lines.append((f"{left} {right}", None))
    lines.append(("", None))
    for when, priority, rule, text in newest:
        lines.append((f"{when.ToDatetime():%H:%M:%S} {state.name(priority):<13} {safe(rule)}: {safe(text)}", priority))
    return [(line[:width], priority) for line, priority in lines[:height]]


def draw(screen, state, until):
    curses.curs_set(0)
    curses.use_default_colors()
    for number, color in enumerate((curses.COLOR_RED, curses.COLOR_YELLOW, curses.COLOR_CYAN), 1):
        curses.init_pair(number, color, -1)
    screen.timeout(500)
    while time.monotonic() < until and screen.getch() not in (ord("q"), 27):
        height, width = screen.getmaxyx()
        screen.erase()
        for y, (line, priority) in enumerate(frame(state, width - 1, height)):
            pair = 0 if priority is None or priority > 5 else 1 if priority < 4 else priority - 2
            screen.addstr(y, 0, line, curses.color_pair(pair) | (curses.A_BOLD if y == 0 else 0))
        screen.refresh()


def read(options, messages, state):
    fields = resume.request_fields(options, messages)
    for response in resume.follow(options, messages, **fields):
        state.take(response)


def main():
    parser = subscribe.arguments(__doc__.splitlines()[0])
    parser.add_argument("--plain", action="store_true", help="one look as text, at the end")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="end after that time")
    resume.add_filters(parser)
    options = parser.parse_args()
    messages = subscribe.load()
    state = State(subscribe.priority_names(messages))
    threading.Thread(target=read, args=(options, messages, state), daemon=True).start()
    until = time.monotonic() + options.seconds
    if not options.plain:
        curses.wrapper(draw, state, until)
        return
    time.sleep(options.seconds if options.seconds < 1e9 else 5)
    print("\n".join(line.rstrip() for line, _ in frame(state, 100, 40)))


if __name__ == "__main__":
    main()
