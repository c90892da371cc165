# SPDX-License-Identifier: ISC
"""A client of `pqpurge-link operator`, which speaks as pqpurge-idx does."""
import json
import subprocess
import uuid

from database import LINK


class Refused(Exception):
    """The answer was {"error":...}."""

    def __init__(self, answer):
        super().__init__(f"{answer['error']}: {answer['text']} {answer.get('sqlstate', '')}")
        self.word, self.text, self.state = answer["error"], answer["text"], answer.get("sqlstate")


class Operator:
    """One connected process of it."""

    def __init__(self, conninfo):
        self.process = subprocess.Popen([LINK, "operator"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.greeting = self.ask("connect", fleet=conninfo)

    def send(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def ask(self, do, **members):
        answer = self.send(json.dumps({"do": do, **members}))
        if not answer.pop("ok", False):
            raise Refused(answer)
        return answer

    def place(self, verb, token=None, expire_s=86400, **members):
        """Places an order; returns its number. members: further ones of `place`."""
        members.setdefault("spec", {})
        spec = {"v": 1, **members.pop("spec")}
        return self.ask("place", token=token or str(uuid.uuid4()), verb=verb, expire_s=expire_s, spec=spec, **members)["order"]

    def results(self, order):
        """{host: result}."""
        return {result["host"]: result for result in self.ask("results", order=order)["results"]}

    def close(self):
        self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
