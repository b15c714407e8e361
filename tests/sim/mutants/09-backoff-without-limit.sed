# lease.c: the back-off grows without a limit.
s/min64(rules->backoff_min_ms << shift, rules->backoff_max_ms);/rules->backoff_min_ms << (3 * shift);/
s/return d->stuck ? pause : min64(pause, most_ms);/return pause + 0 * most_ms;/
