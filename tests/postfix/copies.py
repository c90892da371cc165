# SPDX-License-Identifier: ISC
"""Copies of a deferred message, each with its own inode, arrival time and queue ID, and with its defer log, as if it had
come in and been tried. Quick, for tests that need many messages and not their arrival."""
import os
import re
import time

import spool

ARRIVAL = re.compile(rb"T.(\d+ \d+)", re.DOTALL)
CREATED = re.compile(rb"create_time=(\d+)")
IDENT = re.compile(rb"A.log_ident=()", re.DOTALL)
STEP = 1301  # microseconds between two arrivals


def digits(number, base, width=0):
    text = ""
    while number or len(text) < width:
        number, digit = divmod(number, base)
        text = spool.DIGITS[digit] + text
    return text


def new_id(seconds, micros, inode, long_ids):
    """global/mail_queue.h: MQID_LG_... and MQID_SH_..."""
    if long_ids:
        return f"{digits(seconds, 52, 6)}{digits(micros, 52, 4)}z{digits(inode, 51)}"
    return f"{micros:05X}{inode:X}"


class Copier:
    """path: the message in the deferred queue, after a try. long_ids: whether the copies get long IDs."""

    def __init__(self, queue_id, path, long_ids):
        self.queue_id, self.long_ids, self.info = queue_id, long_ids, os.stat(path)
        self.root, _, tail = path.rpartition("/deferred/")
        self.depth = tail.count("/")
        self.data, self.log = self.read(path), self.read(self.place("defer", queue_id))
        seconds, micros = map(int, ARRIVAL.search(self.data)[1].split())
        self.arrival = seconds * 1000000 + micros

    @staticmethod
    def read(path):
        with open(path, "rb") as file:
            return file.read()

    def place(self, queue, queue_id):
        """The path of a file in that queue; its directories are made."""
        directory = os.path.join(self.root, queue)
        for letter in spool.hash_digits(queue_id)[:self.depth]:
            directory = os.path.join(directory, letter)
            if not os.path.isdir(directory):
                os.mkdir(directory, 0o700)
                os.chown(directory, self.info.st_uid, self.info.st_gid)
        return os.path.join(directory, queue_id)

    def write(self, file, data, mode):
        file.write(data)
        os.fchown(file.fileno(), self.info.st_uid, self.info.st_gid)
        os.fchmod(file.fileno(), mode)

    def renamed(self, queue_id, when):
        """The message's bytes with another ID and time. If the new ID has another length, the header keeps the old
        one."""
        data, old, new = self.data, self.queue_id.encode(), queue_id.encode()
        if len(old) == len(new):
            data = data.replace(old, new)
        at, end = ARRIVAL.search(data).span(1)
        data = data[:at] + when.encode() + data[end:]
        if data[at - 1] != len(when):
            data = data[:at - 1] + bytes([len(when)]) + data[at:]
        at, end = CREATED.search(data).span(1)
        data = data[:at] + when.split()[0].encode() + data[end:]
        at = IDENT.search(data).start(1)
        data = data[:at - 11] + bytes([10 + len(new)]) + data[at - 10:at] + new + data[at + len(old):]
        return self.with_offset(data, len(data) - len(self.data))

    @staticmethod
    def with_offset(data, moved):
        """The second field of the first record, C, 15 bytes long, is the offset of the content."""
        return data[:18] + b"%15d" % (int(data[18:33]) + moved) + data[33:] if moved else data

    def put(self, number):
        """Makes the copy that arrived `number` steps earlier; returns its queue ID."""
        seconds, micros = divmod(self.arrival - number * STEP, 1000000)
        new = os.path.join(self.root, "deferred", "new")
        with open(new, "xb") as file:
            queue_id = new_id(seconds, micros, os.fstat(file.fileno()).st_ino, self.long_ids)
            self.write(file, self.renamed(queue_id, f"{seconds} {micros}"), 0o700)
        with open(self.place("defer", queue_id), "xb") as file:
            self.write(file, self.log, 0o600)
        os.utime(new, (time.time() + 1000,) * 2)  # after its next try
        os.rename(new, self.place("deferred", queue_id))
        return queue_id
