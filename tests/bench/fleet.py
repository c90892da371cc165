# SPDX-License-Identifier: ISC
"""fleet.py BUILD [COUNT] [ROUNDS]: a private PostgreSQL with TLS and COUNT simulated hosts (500), each with its own role,
certificate and connection; ROUNDS orders (5) with a rule each. Server and hosts share this machine."""
import concurrent.futures
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
for room in ("postfix", "fleet"):
    sys.path.insert(0, os.path.join(os.path.dirname(HERE), room))
sys.dont_write_bytecode = True
BUILD = os.environ["PQPURGE_BUILD"] = os.path.abspath(sys.argv[1])

from database import Server  # noqa: E402  (after PQPURGE_BUILD is set)
from link import Operator  # noqa: E402

COUNT, ROUNDS = (int(sys.argv[n]) if len(sys.argv) > n else otherwise for n, otherwise in ((2, 500), (3, 5)))


def main():
    server = Server(connections=COUNT + 50, fsync="on").start()
    try:
        name = server.database()
        names = [f"h{number:04}" for number in range(1, COUNT + 1)]
        with Operator(server.local(name)) as admin:
            admin.ask("init")
            for host in names:
                admin.ask("add", name=host)
            admin.ask("add", name="anna", **{"as": "operator"})
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(server.keys.client, [*names, "anna"]))
        print("ready", flush=True)
        subprocess.run([os.path.join(BUILD, "bench/bench_fleet"), str(COUNT), str(ROUNDS),
                        server.remote(name, "anna").replace("user=anna ", "").replace("/anna/", "/@/")], check=True)
    finally:
        server.close()


main()
