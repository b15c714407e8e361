# lease.c: a removal ends nothing.
s/return is_ending(d) ? MIRD_UNCHANGED : begin_ending(d, MIRD_END_REMOVED, now_ms);/return MIRD_UNCHANGED;/
