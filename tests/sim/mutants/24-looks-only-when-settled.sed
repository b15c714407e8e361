# lease.c: nothing is looked for again before the settling time is over.
s/^        d->retry_at_ms = now_ms + pause_ms(d, rules, MIRD_SOON_MS); .*$/        d->retry_at_ms = settled_ms(d, rules, in->step);/
