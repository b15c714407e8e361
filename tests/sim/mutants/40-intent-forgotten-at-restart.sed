# lease.c: an intent found after a restart is taken as "not yet".
/^static enum mird_weight restarted(/,/^}/s/^    tries_over(d);$/    tries_over(d);\
    if (d->steps[MIRD_STEP_INSTANCE] == MIRD_INTENT)\
        d->steps[MIRD_STEP_INSTANCE] = MIRD_TODO, d->last_create_ms = 0;/
