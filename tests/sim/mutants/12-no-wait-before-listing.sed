# lease.c: a listing that is too early is believed.
s/^    if (in->asked_ms < settled) {$/    if (in->asked_ms < 0) {/
