# lease.c: what is still there is never deleted again.
s/        d->steps\[MIRD_STEP_INSTANCE\] = MIRD_DONE;$/        d->attempts = 0;/
