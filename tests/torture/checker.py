# SPDX-License-Identifier: ISC
"""The invariants, checked against the ledger while the daemon is tortured and once more after it:

- nothing of ours runs later than its deadline plus the bound of the ledger; where nobody but a
  daemon can be counted on, the bound begins when one acts,
- never two instances of one lease at the same time (where each leaves a trace: ever),
- what was answered with 202 is never forgotten,
- a deadline moves only where an extension was asked for, and stays moved once that was answered;
  back again it moves only where the extension is told to be refused."""
import threading
import time

from mirage import utc

LOOK_EVERY_S = 0.2


class Lease:
    """What the client knows of one deployment."""

    def __init__(self, document):
        self.id = document['id']
        self.name = document['name']
        self.acked = utc(document['expires_at'])
        self.asked = None  # an extension whose answer never came: may have happened or not
        self.before = set()  # deadlines that accepted extensions may still be refused for
        self.removed = None  # when a removal was acknowledged
        self.removed_launching = False  # an instance was perhaps being asked for at that moment

    def allowed(self):
        return {self.acked} | ({self.asked} if self.asked else set())

    def latest(self):
        return max(self.allowed())

    def over_by(self):
        return self.removed or self.latest()


class Checker:
    """Looks at the ledger of one world from a thread of its own, until it is closed."""

    def __init__(self, ledger, now, acts_since):
        """now() is the true time of the world, in seconds since 1970; acts_since() since when
        there has been a daemon without a gap: now, when there is none."""
        self.ledger, self.now, self.acts_since = ledger, now, acts_since
        self.leases = {}
        self.unknown_until = 0  # the latest deadline of a request whose answer never came
        self.alone = False  # nobody could act for so long that only other hooks did
        self.broken = []
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def close(self):
        self._stop.set()
        self._thread.join()

    def fault(self, text):
        with self._lock:
            if text not in self.broken:
                self.broken.append(text)

    # --- what the client learns ---

    def asked_to_deploy(self, ttl_s):
        self.unknown_until = max(self.unknown_until, self.now() + ttl_s + 1)

    def deployed(self, document):
        lease = self.leases.get(document['id'])
        if not lease:
            lease = self.leases[document['id']] = Lease(document)
        return lease

    @staticmethod
    def extended(lease, document):
        if document['extension']:
            lease.before |= lease.allowed()
        lease.acked, lease.asked = utc(document['expires_at']), None

    @staticmethod
    def _settle(lease, d):
        """What became of its extensions, as the document says: True when one is told refused, or is
        being taken back, and the deadline before it is in force."""
        now = utc(d['expires_at'])
        error = (d['error'] or {}).get('text', '')
        refused = now in lease.before and (d['extension'] or 'refused' in error)
        if d['extension'] or d['state'] in ('gone', 'failed'):
            return refused or now in lease.before and bool(d['end_reason'])
        if refused:
            lease.acked, lease.asked = now, None
        lease.before = set()
        return refused

    def told(self, documents):
        """All that the daemon says it knows; called after each start of it."""
        known = {d['id']: d for d in documents}
        for lease in list(self.leases.values()):
            d = known.get(lease.id)
            if not d:
                self.fault(f'{lease.name} was acknowledged and is forgotten')
            elif not self._settle(lease, d) and utc(d['expires_at']) not in lease.allowed():
                self.fault(f'{lease.name}: deadline {d["expires_at"]}; acknowledged was '
                           f'{time.strftime("%H:%M:%S", time.gmtime(lease.acked))}')
            if d and d['state'] in ('gone', 'failed') and lease.id in self.ledger.running():
                self.fault(f'{lease.name} is {d["state"]}, and its guest runs')
            elif d and d['state'] in ('gone', 'failed') and lease.id in self.ledger.kept():
                self.fault(f'{lease.name} is {d["state"]}, and there is still {self.left()}')

    # --- what really runs ---

    def _watch(self):
        while not self._stop.wait(LOOK_EVERY_S):
            self.look()

    def look(self):
        now = self.now()  # first: what is seen then was there later, not earlier
        running = self.ledger.running()
        for lease, what in running.items():
            if len(what) > 1:
                self.fault(f'lease {lease} has {len(what)} instances: {what}')
            known = self.leases.get(lease)
            until = known.latest() if known else self.unknown_until
            if not self.ledger.KEPT_WITHOUT and not self.alone:
                until = max(until, self.acts_since())
            if now > until + (self.ledger.ALONE_S if self.alone else self.ledger.BOUND_S):
                self.fault(f'lease {lease} ({known.name if known else "never answered"}) runs '
                           f'{now - until:.1f} s after its deadline: {what}')
        return running

    def count_launches(self):
        """One after the other would be two as well."""
        for lease, what in self.ledger.launched().items():
            if len(what) > 1:
                self.fault(f'lease {lease} was launched {len(what)} times: {what}')

    def latest_end(self):
        return max([self.unknown_until] + [lease.latest() for lease in self.leases.values()])

    def nothing_left(self):
        return not (self.ledger.running() or self.ledger.tending() or self.ledger.kept())

    def left(self):
        return (f'guests {self.ledger.running()}, keepers {self.ledger.tending()}, kept '
                f'{self.ledger.kept()}')
