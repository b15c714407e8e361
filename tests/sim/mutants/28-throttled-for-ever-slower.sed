# lease.c: a throttled teardown backs off without a limit.
s/look_later(d, rules, throttled ? rules->backoff_max_ms : MIRD_SOON_MS, now_ms);/look_later(d, rules, MIRD_SOON_MS, now_ms);\
    if (throttled)\
        d->retry_at_ms = now_ms + (rules->backoff_min_ms << 7);/
