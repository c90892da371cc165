# SPDX-License-Identifier: ISC
"""An independent reading of Postfix's queue: a second opinion that shares no code with pqpurge.

Queue files are sequences of records: one type byte, a length in groups of seven bits (low group first, 0x80 = more
follow), then the data. This reads only what the tests need."""
import email.header
import email.parser
import email.policy
import os
import stat

QUEUES = ("maildrop", "incoming", "active", "deferred", "hold")


def files(directory):
    """The path of every file now below the directory; nothing of a directory that is not there."""
    try:
        with os.scandir(directory) as found:
            entries = [(entry.path, entry.is_dir(), entry.is_dir(follow_symlinks=False)) for entry in found]
    except OSError:
        return
    for path, leads_to_directory, _ in entries:
        if not leads_to_directory:
            yield path
    for path, _, is_directory in entries:
        if is_directory:
            yield from files(path)


def walk(directory):
    """(queue name, queue ID, path) of every regular file now in the queues, in flow order."""
    for queue in QUEUES:
        for path in files(os.path.join(directory, queue)):
            yield queue, os.path.basename(path), path


def records(data):
    """(type letter, bytes) of every record up to the end record; follows pointer records."""
    at = 0
    while at < len(data):
        kind = chr(data[at])
        at += 1
        length = shift = 0
        while True:
            byte = data[at]
            at += 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
        body = data[at : at + length]
        at += length
        if kind == "p" and int(body):
            at = int(body)
            continue
        yield kind, body
        if kind == "E":
            return


# The digits of numbers in a long queue ID.
DIGITS = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz"


def hash_digits(queue_id):
    """The names of the directories into which Postfix hashes a message, for any depth, in one string: the ID's own
    characters, or those of the microseconds in a long one."""
    end = queue_id.rfind("z")
    if end < 10:
        return queue_id
    micros = 0
    for digit in queue_id[end - 4:end]:
        micros = micros * 52 + DIGITS.index(digit)
    return f"{micros:05X}"


class QueueFile:
    """One queue file: sender, waiting recipients, the address of each before aliases (originals), recipients that are
    done, arrival, size, attributes (client_address, log_client_address, log_ident, sasl_username, ...), header."""

    def __init__(self, queue, queue_id, path):
        with open(path, "rb") as file:
            info = os.fstat(file.fileno())  # first: a file that is ready now is complete
            data = file.read()
        self.queue, self.queue_id, self.path = queue, queue_id, path
        self.inode = info.st_ino
        self.ready = stat.S_IMODE(info.st_mode) & 0o700 == 0o700
        self.sender, self.arrival, self.size = None, None, None
        self.recipients, self.originals, self.done, self.attributes = [], [], [], {}
        original, lines, in_content = None, [], False
        for kind, body in records(data):
            if kind == "C":
                self.size = int(body.split()[0])
            elif kind == "T" and self.arrival is None:
                seconds, micros = body.split()
                self.arrival = int(seconds) + int(micros) / 1e6
            elif kind == "A":
                name, _, value = body.decode("utf-8", "replace").partition("=")
                self.attributes[name] = value
            elif kind == "S":
                self.sender = body.decode("utf-8", "replace")
            elif kind == "O":
                original = body.decode("utf-8", "replace")
            elif kind == "R":
                self.recipients.append(body.decode("utf-8", "replace"))
                self.originals.append(original or self.recipients[-1])
                original = None
            elif kind == "D":
                self.done.append(body.decode("utf-8", "replace"))
                original = None
            elif kind in "MX":
                in_content = kind == "M"
            elif kind == "N" and in_content:
                lines.append(body + b"\n")
            elif kind == "L" and in_content:  # before and after the content: content_filter
                lines.append(body)
        self.content = b"".join(lines)

    @property
    def message(self):
        return email.parser.BytesParser(policy=email.policy.SMTP).parsebytes(self.content, True)

    @property
    def subjects(self):
        """Each Subject field decoded, with one blank for each run of blanks; or [""]."""
        raw = email.parser.BytesHeaderParser(policy=email.policy.compat32).parsebytes(self.content)
        return [" ".join(self.decoded(str(value)).split()) for value in raw.get_all("subject", [""])]

    @staticmethod
    def decoded(value):
        """Encoded words in an unknown charset stay as written."""
        try:
            return str(email.header.make_header(email.header.decode_header(value)))
        except LookupError:
            return value

    @property
    def from_addresses(self):
        """Every mailbox of every From field, including groups, as user@domain."""
        fields = self.message.get_all("from") or []
        return [f"{a.username}@{a.domain}" for field in fields for a in field.addresses]

    @property
    def author_domains(self):
        """The domains of envelope sender and header From, in lower case."""
        addresses = [self.sender] + self.from_addresses
        return {a.rpartition("@")[2].lower() for a in addresses if a and "@" in a}

    @property
    def recipient_domains(self):
        """The domains of the waiting recipients, in lower case."""
        return {a.rpartition("@")[2].lower() for a in self.recipients}

    @property
    def client(self):
        """The client in Postfix's log: behind a filter that forwards it, the first one."""
        return self.attributes.get("log_client_address", self.attributes.get("client_address"))

    @property
    def first_id(self):
        """The queue ID before a content filter that forwards it, else None."""
        ident = self.attributes.get("log_ident")
        return ident if ident != self.queue_id else None


def read(directory):
    """All messages now in the queue, {queue ID: QueueFile}. A file that leaves meanwhile is left out."""
    found = {}
    for queue, queue_id, path in walk(directory):
        try:
            found[queue_id] = QueueFile(queue, queue_id, path)
        except FileNotFoundError:
            continue
    return found


def find(directory, queue_id):
    """The path of one message, or None."""
    for _, name, path in walk(directory):
        if name == queue_id:
            return path
    return None


def ids(directory):
    return {queue_id for _, queue_id, _ in walk(directory)}
