# lease.c: the moment of a create is not noted.
s/d->last_create_ms = max64(d->last_create_ms, now_ms);/d->last_create_ms = d->last_create_ms ? d->last_create_ms : 1;/
