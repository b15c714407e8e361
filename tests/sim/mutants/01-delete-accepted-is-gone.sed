# lease.c: an accepted delete is taken for the end.
s/bool sent_only = has_to_be_seen_gone(in->step) \&\& made_ms(d, in->step);/bool sent_only = in->step == MIRD_STEP_COUNT;/
