# SPDX-License-Identifier: ISC
"""Copies of a deferred message: each with an inode, a time of arrival and the queue ID of both, and with its defer log, as if it
had come in and been tried. Quick, where a test needs many and not how they came in."""
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
    """path: where the message lies in the deferred queue, tried and at rest. long_ids: whether the copies get such."""

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
        """Where a file of that queue belongs; its directories are made."""
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
        """The bytes of the message under another ID and with another time. The header keeps an ID of another length."""
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
        """The first record, C, tells in the second of its fields, 15 bytes each, where the content begins."""
        return data[:18] + b"%15d" % (int(data[18:33]) + moved) + data[33:] if moved else data

    def put(self, number):
        """The copy that arrived so many steps earlier; its queue ID."""
        seconds, micros = divmod(self.arrival - number * STEP, 1000000)
        new = os.path.join(self.root, "deferred", "new")
        with open(new, "xb") as file:
            queue_id = new_id(seconds, micros, os.fstat(file.fileno()).st_ino, self.long_ids)
            self.write(file, self.renamed(queue_id, f"{seconds} {micros}"), 0o700)
        with open(self.place("defer", queue_id), "xb") as file:
            self.write(file, self.log, 0o600)
        os.utime(new, (time.time() + 1000,) * 2)  # tried again then
        os.rename(new, self.place("deferred", queue_id))
        return queue_id
