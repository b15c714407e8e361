# lease.c: a removal ends nothing.
s/return begin_ending(d, MIRD_END_REMOVED, now_ms);/return MIRD_UNCHANGED;/
