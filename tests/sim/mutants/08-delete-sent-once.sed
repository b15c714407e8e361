# lease.c: what is still there is never deleted again.
s/^    d->steps\[in->step\] = MIRD_DONE;$/    d->attempts = in->step == MIRD_STEP_COUNT;/
