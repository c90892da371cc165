# SPDX-License-Identifier: ISC
"""Synthetic mail traffic for the flood watch: 30 days to warm up and 30 measured days with 40 incidents, in time order.
flood_traffic.py SEED: lines on stdout, tab-separated. First a line for each incident: I id name start end keys...; then a line for
each message: t path login client net sender recipients recipient bad incident
  t          seconds since day 0, 00:00
  path       a: authenticated, l: sendmail(1), r: own networks without login, x: the Internet
  net        its /24, a number; 0: loopback
  recipient  of a null-sender message from outside
  bad        1: it bounces, or is deferred for long
  incident   0: ordinary mail"""
import math
import random
import sys
DAY = 86400.0
HOURS = [1,1,.5,.5,.5,1,3,8,20,25,24,22,14,18,22,22,20,14,8,6,5,4,3,2]
HCUM = []
_s = 0.0
for h in HOURS:
    _s += h; HCUM.append(_s)

def tod(r):
    x = r.random()*HCUM[-1]
    lo, hi = 0, 23
    for i, c in enumerate(HCUM):
        if x < c:
            return (i + r.random())*3600
    return 23.9*3600

def nrcpt_user(r):
    x = r.random()
    if x < .80: return 1
    if x < .955: return r.randint(2, 5)
    if x < .995: return r.randint(6, 30)
    return r.randint(31, 100)

class World:
    def __init__(self, seed=1, nlogin=1000):
        r = self.r = random.Random(seed)
        self.domains = ['dom%d.example' % i for i in range(150)]
        self.logins = []
        w = [1/(i+1)**0.8 for i in range(150)]
        for i in range(nlogin):
            d = r.choices(self.domains, w)[0]
            vol = min(300.0, r.lognormvariate(math.log(6), 1.3))
            u = {'name': 'u%d@%s' % (i, d), 'dom': d, 'vol': vol,
                 'home': r.randrange(1 << 22), 'office': hash(d) & 0xffff,
                 'mobile': [r.randrange(300) + (1 << 23) for _ in range(r.choice([2, 3, 6, 10]))],
                 'webmail': r.random() < .4, 'vpn': r.random() < .03, 'travel': None}
            self.logins.append(u)
        self.apps = [{'name': 'app%d@%s' % (i, self.domains[i*3]), 'dom': self.domains[i*3],
                      'vol': math.exp(r.uniform(math.log(200), math.log(3000)))} for i in range(10)]
        self.news = []
        for i in range(20):
            path = 'a' if i < 8 else 'r' if i < 15 else 'l'
            d = self.domains[20+i]
            self.news.append({'name': 'news@%s' % d, 'dom': d, 'size': int(math.exp(r.uniform(math.log(5e3), math.log(5e4)))),
                'wday': r.choice([0, 1, 1, 2, 2, 3, 4]), 'hour': r.uniform(7, 16), 'dur': r.uniform(1, 4)*3600, 'path': path,
                'verp': i % 2 == 0, 'ip': '192.0.2.%d' % (10+i)})
        self.lists = [{'dom': 'lists%d.example' % i, 'subs': int(math.exp(r.uniform(math.log(50), math.log(1500)))),
                       'posts': r.uniform(1, 12), 'verp': i < 6} for i in range(10)]
        self.bill = [{'name': 'billing@%s' % self.domains[50+i], 'dom': self.domains[50+i],
                      'size': int(math.exp(r.uniform(math.log(2e3), math.log(15e3)))), 'day': [1, 1, 2, 15, 15][i],
                      'path': ['a', 'a', 'a', 'l', 'r'][i], 'ip': '192.0.2.%d' % (60+i)} for i in range(5)]
        self.web = [{'name': 'web%d@host.example' % i, 'vol': r.uniform(5, 150)} for i in range(30)]
        self.web.append({'name': 'www-data@host.example', 'vol': 500})
        self.fwd = ['fwd%d.example' % i for i in range(20)]
        self.prov = ['gmail.test', 'outlook.test', 'yahoo.test', 'icloud.test', 'gmx.test', 'web.test', 'orange.test', 'mailru.test']
        self.mk = ['mk%d.test' % i for i in range(400)]
        self.rd = lambda: int(r.paretovariate(0.6)) % 50000     # recipient domain, a few large ones
        self.incidents = []

    def client_of(self, u, day):
        r = self.r
        if u['vpn'] and r.random() < .5:
            n = (1 << 24) + r.randrange(40); return ('v%d' % n, n)
        t = u['travel']
        if t and t[0] <= day < t[1] and r.random() < .7:
            n = t[2][r.randrange(len(t[2]))]; return ('t%d' % n, n)
        x = r.random()
        if u['webmail'] and x < .6: return ('127.0.0.1', 0)
        if x < .75: return ('o%d' % u['office'], u['office'])
        if x < .88: return ('h%d' % u['home'], u['home'])
        n = u['mobile'][r.randrange(len(u['mobile']))]
        return ('m%d' % n, n)

    def day(self, d):
        r = self.r; ev = []; add = ev.append
        wd = d % 7; weekend = wd >= 5; t0 = d*DAY
        rd = self.rd; rnd = r.random
        # ordinary logins, in sessions
        for u in self.logins:
            if rnd() < .01: u['travel'] = (d, d + r.randint(2, 5), [r.randrange(1 << 22) for _ in range(r.randint(3, 8))])
            lam = u['vol']*(0.15 if weekend else 1.0)*r.lognormvariate(0, .5)
            n = int(lam) + (rnd() < lam - int(lam))
            while n > 0:
                k = min(n, 1 + int(r.expovariate(1/3.0)))
                t = t0 + tod(r); c, net = self.client_of(u, d)
                for _ in range(k):
                    add((t, 'a', u['name'], c, net, u['name'], nrcpt_user(r), rd(), None, rnd() < .03, 0))
                    t += r.expovariate(1/90.0)
                n -= k
        # a user's own mass mail: an invitation, a club, a mail merge
        x = .7 if not weekend else .3
        if rnd() < x or rnd() < .1:
            u = r.choice(self.logins); c, net = self.client_of(u, d); t = t0 + tod(r); n = r.randint(60, 400)
            if rnd() < .4:
                while n > 0:
                    k = min(n, r.choice([30, 50, 99])); add((t, 'a', u['name'], c, net, u['name'], k, rd(), None, rnd() < .05, 0)); t += r.uniform(20, 120); n -= k
            else:
                dur = r.uniform(300, 2400)
                for _ in range(n):
                    add((t + rnd()*dur, 'a', u['name'], c, net, u['name'], 1, rd(), None, rnd() < .05, 0))
        # applications with a login (shop, tickets), one big day each month
        for i, a in enumerate(self.apps):
            n = int(a['vol']*(0.5 if weekend else 1)*r.lognormvariate(0, .3)*(3 if d % 30 == 3*i else 1))
            for _ in range(n):
                add((t0 + tod(r), 'a', a['name'], '192.0.2.%d' % (100+i), 90000+i, a['name'], 1, rd(), None, rnd() < .03, 0))
        # newsletters
        for w in self.news:
            if w['wday'] != wd: continue
            n = int(w['size']*r.uniform(.9, 1.1)); s = t0 + w['hour']*3600 + r.uniform(-1800, 1800)
            for i in range(n):
                t = s + rnd()*w['dur']
                snd = 'bounce+%d@%s' % (r.randrange(10**6), w['dom']) if w['verp'] else w['name']
                bad = rnd() < .05
                if w['path'] == 'a': add((t, 'a', w['name'], w['ip'], hash(w['ip']) & 0xffff, snd, 1, rd(), None, bad, 0))
                elif w['path'] == 'r': add((t, 'r', None, w['ip'], hash(w['ip']) & 0xffff, snd, 1, rd(), None, bad, 0))
                else: add((t, 'l', None, 'local', 0, snd, 1, rd(), None, bad, 0))
                if rnd() < .02:   # its bounces from outside
                    rc = snd if w['verp'] else w['name']
                    k = r.randrange(800)
                    add((t + r.expovariate(1/3000.0), 'x', None, 'x%d' % k, 200000+k, '', 1, 0, rc, 0, 0))
        # lists
        for l in self.lists:
            for _ in range(int(r.expovariate(1/l['posts']))):
                t = t0 + tod(r)
                if l['verp']:
                    for i in range(l['subs']):
                        add((t + rnd()*60, 'r', None, '127.0.0.1', 0, 'l-bounces+u%d=d@%s' % (i, l['dom']), 1, rd(), None, rnd() < .04, 0))
                else:
                    n = l['subs']
                    while n > 0:
                        k = min(n, 500); add((t, 'r', None, '127.0.0.1', 0, 'l-bounces@%s' % l['dom'], k, rd(), None, rnd() < .04, 0)); n -= k; t += 1
        # monthly billing
        for b in self.bill:
            if d % 30 == b['day']:
                s = t0 + 9*3600; dur = r.uniform(3600, 3*3600)
                for _ in range(int(b['size']*r.uniform(.95, 1.1))):
                    t = s + rnd()*dur
                    if b['path'] == 'a': add((t, 'a', b['name'], b['ip'], hash(b['ip']) & 0xffff, b['name'], 1, rd(), None, rnd() < .04, 0))
                    elif b['path'] == 'l': add((t, 'l', None, 'local', 0, b['name'], 1, rd(), None, rnd() < .04, 0))
                    else: add((t, 'r', None, b['ip'], hash(b['ip']) & 0xffff, b['name'], 1, rd(), None, rnd() < .04, 0))
        # web sites, cron, vacation, sieve redirects with SRS
        for w in self.web:
            for _ in range(int(w['vol']*r.lognormvariate(0, .4))):
                add((t0 + tod(r), 'l', None, 'local', 0, w['name'], 1, rd(), None, rnd() < .04, 0))
        if rnd() < .1:      # comment spam: a site's notices to its owner
            w = r.choice(self.web); t = t0 + rnd()*DAY; k = rd()
            for _ in range(r.randint(80, 300)): add((t + rnd()*3600, 'l', None, 'local', 0, w['name'], 1, k, None, 0, 0))
        for _ in range(200): add((t0 + rnd()*DAY, 'l', None, 'local', 0, 'root@host.example', 1, 1, None, 0, 0))
        for _ in range(300): add((t0 + tod(r), 'l', None, 'local', 0, '', 1, rd(), 'out', 0, 0))
        for _ in range(3000):
            f = self.fwd[min(19, int(r.paretovariate(.8)) - 1)]
            add((t0 + tod(r), 'l', None, 'local', 0, 'SRS0=%x=AB=d%d=u%d@%s' % (r.randrange(65536), r.randrange(400), r.randrange(9), f), 1, rd() % 20, None, rnd() < .06, 0))
        if rnd() < .13:     # monitoring storm
            t = t0 + rnd()*DAY
            for _ in range(r.randint(300, 1500)): add((t + rnd()*1200, 'r', None, '192.0.2.200', 95, 'nagios@host.example', 1, 1, None, 0, 0))
        # from the Internet
        for _ in range(30000 if not weekend else 15000):
            x = rnd(); t = t0 + tod(r)
            if x < .02:
                add((t, 'x', None, 'x%d' % r.randrange(800), 200000+r.randrange(800), '', 1, 0, r.choice(self.logins)['name'], 0, 0))
            elif x < .45:
                i = min(7, int(r.paretovariate(1)) - 1); k = r.randrange(60)
                add((t, 'x', None, 'p%d.%d' % (i, k), 300000+i*60+k, 'u%d@%s' % (r.randrange(5000), self.prov[i]), 1, 0, None, 0, 0))
            else:
                i = int(r.paretovariate(.7)) % 400
                add((t, 'x', None, 'k%d.%d' % (i, r.randrange(4)), 400000+i, 'news@%s' % self.mk[i] if rnd() < .5 else 'b+%d@%s' % (r.randrange(10**6), self.mk[i]), 1, 0, None, 0, 0))
        for _ in range(3):  # a mailing to our users
            i = r.randrange(400); t = t0 + tod(r)
            for _ in range(r.randint(100, 700)): add((t + rnd()*600, 'x', None, 'k%d.0' % i, 400000+i, 'b+%d@%s' % (r.randrange(10**6), self.mk[i]), 1, 0, None, 0, 0))
        if rnd() < .1:      # the backup MX empties its queue
            t = t0 + rnd()*DAY; dur = r.uniform(600, 1800)
            for _ in range(r.randint(3000, 8000)):
                i = int(r.paretovariate(.7)) % 400
                add((t + rnd()*dur, 'x', None, 'backupmx', 77, 'b+%d@%s' % (r.randrange(10**6), self.mk[i]), 1, 0, None, 0, 0))
        for inc in self.incidents:
            inc['emit'](d, add)
        ev.sort(key=lambda e: e[0])
        return ev

    def inject(self, first=30, days=30, seed=7):
        """40 incidents in days first..first+days"""
        r = random.Random(seed); self.ir = r; W = self
        victims = r.sample([u for u in self.logins if u['vol'] < 60], 120); vi = iter(victims)
        def start(): return (first + r.uniform(0, days - 3.2))*DAY
        def nets(n): return [(1 << 26) + r.randrange(1 << 22) for _ in range(n)]
        def mk(kind, rate, dur, keys, msg):
            s = start(); inc = {'id': len(W.incidents)+1, 'kind': kind, 'rate': rate, 'start': s, 'end': s+dur, 'keys': set(keys)}
            def emit(d, add, inc=inc, rate=rate, msg=msg):
                a, b = max(inc['start'], d*DAY), min(inc['end'], (d+1)*DAY)
                if b <= a: return
                n = int((b-a)*rate/3600)
                for _ in range(n):
                    t = a + r.random()*(b-a); add((t,) + msg() + (inc['id'],))
            inc['emit'] = emit; W.incidents.append(inc); return inc
        bad = lambda: r.random() < .45
        def login_msg(u, nn, snd=None, nr=lambda: 1):
            def m():
                n = nn[r.randrange(len(nn))]
                return ('a', u['name'], 'b%d' % n, n, snd() if snd else u['name'], nr(), W.rd(), None, bad())
            return m
        dk = lambda u: [('login', u['name']), ('sender', u['name']), ('domain', u['dom'])]
        for rate in (100000, 100000, 20000, 20000, 20000, 3000, 3000, 3000):          # F: fast single login
            u = next(vi); mk('fast', rate, 1800 if rate > 50000 else 3*3600, dk(u), login_msg(u, nets(r.choice([1, 3, 10]))))
        for i in range(3):                                                             # C: 20 logins, each 300/h
            us = [next(vi) for _ in range(20)]; pool = nets(60); ks = [k for u in us for k in dk(u)]
            ms = [login_msg(u, r.sample(pool, 5)) for u in us]
            inc = mk('campaign', 6000, r.uniform(2, 6)*3600, ks, lambda ms=ms: ms[r.randrange(20)]())
            inc['logins'] = {u['name'] for u in us}
        for i in range(6):                                                             # S: 50/h
            u = next(vi); mk('slow50', 50, r.uniform(24, 72)*3600, dk(u), login_msg(u, nets([1, 1, 2, 5, 40, 200][i])))
        for i in range(5):                                                             # V: 5 to 10/h from many addresses
            u = next(vi); mk('trickle', [5, 5, 8, 10, 10][i], 72*3600, dk(u), login_msg(u, nets([60, 120, 340, 40, 200][i])))
        for i, rate in enumerate((2000, 2000, 300, 300, 60, 60)):                      # W: web form
            w = W.web[3*i] if i else W.web[30]
            forged = i % 2
            snd = (lambda i=i: 'info%d@%s' % (r.randrange(10**5), W.domains[100+i])) if forged else (lambda w=w: w['name'])
            ks = [('local', w['name']), ('sender', w['name']), ('domain', 'host.example'), ('domain', W.domains[100+i]), ('local', 'info@' + W.domains[100+i]), ('localall', '*')]
            mk('webform', rate, r.uniform(3, 24)*3600, ks, lambda snd=snd: ('l', None, 'local', 0, snd(), 1, W.rd(), None, bad()))
        for i in range(4):                                                             # M: many client addresses
            u = next(vi); mk('manyip', 600, r.uniform(2, 8)*3600, dk(u), login_msg(u, nets(r.randint(200, 400))))
        for i in range(4):                                                             # R: rotating forged senders
            u = next(vi); mk('rotating', 400, r.uniform(2, 8)*3600, dk(u),
                login_msg(u, nets(2), snd=lambda: 'x%d@%s' % (r.randrange(10**6), r.choice(W.prov + W.mk)), nr=lambda: r.choice([1, 1, 5])))
        for i in range(4):                                                             # B: backscatter to one address
            u = next(vi); mk('backscatter', [3000, 3000, 600, 150][i], r.uniform(3, 12)*3600, [('bounce', u['name'])],
                lambda u=u: ('x', None, 'x%d' % r.randrange(3000), 200000+r.randrange(3000), '', 1, 0, u['name'], 0))
        assert len(W.incidents) == 40

def main():
    seed = int(sys.argv[1])
    warm, measured = 30, 30
    w = World(seed)
    w.inject(warm, measured, seed + 6)
    out = sys.stdout.write
    for i in w.incidents:
        name = '%s %d/h' % (i['kind'], i['rate'])
        out('\t'.join(['I', str(i['id']), name, '%.0f' % i['start'], '%.0f' % i['end']] + sorted('%s:%s' % k for k in i['keys'])) + '\n')
    for d in range(warm + measured):
        out(''.join(['%.3f\t%s\t%s\t%s\t%d\t%s\t%d\t%s\t%d\t%d\n' % (t, kind, login or '', client, net, sender, n, null or '', bad, inc)
                     for t, kind, login, client, net, sender, n, _, null, bad, inc in w.day(d)]))


if __name__ == '__main__':
    main()
