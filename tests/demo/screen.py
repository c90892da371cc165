# SPDX-License-Identifier: ISC
"""screen.py BUILD [COLUMNS [ROWS]]: prints `pqpurge-idx screen` as a terminal shows it, on a private Postfix with a
flood in its queue."""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
os.environ["PQPURGE_BUILD"] = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build")
sys.path.insert(0, os.path.join(HERE, "../postfix"))

from pane import Pane  # noqa: E402
from pqpurge import BUILD, Pqpurge, wire  # noqa: E402
from rig import PrivatePostfix  # noqa: E402


def fill(postfix, pq):
    """Mail that has waited for an hour; then a flood."""
    subprocess.run([os.path.join(BUILD, "tools/make_queue"), postfix.spool, "postfix", pq.index, "300", "3", "shop.example"],
                   check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["chown", "-R", "nobody", pq.index], check=True)
    pq.start()
    for number in range(12):
        postfix.flood(f"info@customer{number}.example", 3 + number % 5, f"u@big{number % 3}.example")
    postfix.flood("news@example.com", 900, "u@big1.example")


def main(columns, rows):
    postfix = PrivatePostfix()
    wire(postfix)
    postfix.start()
    pq = Pqpurge(postfix)
    pane = None
    try:
        fill(postfix, pq)
        pane = Pane(postfix, columns, rows)
        pane.run(pq.words("screen"))
        pane.shows("example.com", "caught up")
        postfix.flood("news@example.com", 150, "u@big2.example")
        print(pane.until(lambda text: "+" in text and "0/s" in text, "the flood's rate"), end="")
    finally:
        if pane:
            pane.close()
        pq.kill9()
        postfix.close()


main(*[int(word) for word in [*sys.argv[2:], 80, 20][:2]])
