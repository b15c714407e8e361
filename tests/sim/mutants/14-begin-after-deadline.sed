# lease.c, lease_next.c: what was begun is finished first, deadline or not.
s/^    if (now_ms >= deadline_ms || now_ms >= late_ms)$/    if ((now_ms >= deadline_ms \&\& d->steps[MIRD_STEP_INSTANCE] >= MIRD_DONE) || now_ms >= late_ms)/
/^static enum mird_weight intend(/,/^}/s/^    if (is_ending(d) || now_ms >= mird_deployment_due_s(d) \* 1000)$/    if (is_ending(d))/
