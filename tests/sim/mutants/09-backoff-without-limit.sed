# lease.c: the back-off grows without a limit.
s/min64(rules->backoff_min_ms << shift, rules->backoff_max_ms);/rules->backoff_min_ms << (3 * shift);/
s/return min64(pause, d->stuck .*$/return pause + 0 * most_ms;/
