# lease.c: an accepted delete is taken for the end.
s/bool sent_only = in->step == MIRD_STEP_INSTANCE;/bool sent_only = false;/
