# lease.c: a running instance that one look misses is over.
s/if (in->asked_ms < max64(d->absent_since_ms, d->last_create_ms) + rules->settle_ms)/if (false)/
