# lease.c: a restart does not begin the settling time anew.
s/^    if (d->last_create_ms)$/    if (false)/
