# lease.c, lease_next.c: a listing that is too early is asked for, and believed.
s/^        in->asked_ms < settled_ms(d, rules))$/        false)/
s/^    if (now_ms < settled_ms(d, rules))$/    if (false)/
