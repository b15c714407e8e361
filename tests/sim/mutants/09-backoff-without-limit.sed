# lease.c: the back-off grows without a limit.
s/now_ms + min64(rules->backoff_min_ms << shift, rules->backoff_max_ms)/now_ms + (rules->backoff_min_ms << (3 * shift))/
