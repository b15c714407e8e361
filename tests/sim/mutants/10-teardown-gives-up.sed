# lease.c: after a few failures a teardown counts as done.
s/^    if (d->stuck || !\*d->error_code)$/    if (d->attempts > 2)\
        d->steps[MIRD_STEP_INSTANCE] = MIRD_UNDONE;\
    if (d->stuck || !*d->error_code)/
