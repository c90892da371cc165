# SPDX-License-Identifier: ISC
"""mail_log.py BYTES >LOG: a mail log of a month with 2,000 logins that send at very different rates, four lines a
message."""
import random
import sys
import time

BEGIN = 1764000000 - 31 * 86400
MESSAGE = """\
{at}postfix/submission/smtpd[{pid}]: {id}: client=host{u}.example.net[198.51.{a}.{b}], sasl_method=PLAIN, sasl_username=user{u}@example.com
{at}postfix/cleanup[811]: {id}: message-id=<{n}.abcdef@host{u}.example.net>
{at}postfix/qmgr[99]: {id}: from=<user{u}@example.com>, size=4123, nrcpt=1 (queue active)
{at}postfix/smtp[121]: {id}: to=<someone{c}@dest{d}.example>, relay=mx.example[203.0.113.5]:25, delay=1.2, delays=0.1/0/0.4/0.7, \
dsn=2.0.0, status=sent (250 2.0.0 OK)
"""


def main(size):
    chance = random.Random(1)
    written = n = 0
    step = 31 * 86400 / (size / 560)
    while written < size:
        n += 1
        user = int(chance.paretovariate(0.8)) % 2000
        text = MESSAGE.format(at=time.strftime("%b %e %H:%M:%S mx ", time.localtime(BEGIN + n * step)), pid=n % 300 + 700, n=n,
                              id=f"{n % 0xfffff:05X}{0x10000 + n % 0xfffff:X}", u=user, a=user % 250, b=user % 200, c=n % 777,
                              d=n % 99)
        written += len(text)
        sys.stdout.write(text)


if __name__ == "__main__":
    main(int(sys.argv[1]))
