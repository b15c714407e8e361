# lease.c, lease_next.c: the far date of a lease without an end is cut to 32 bits, and is long past.
s/now_ms >= d->deadline_s \* 1000)$/now_ms >= (int64_t)(int32_t)d->deadline_s * 1000)/
s/int64_t deadline_ms = mird_deployment_due_s(d) \* 1000;/int64_t deadline_ms = (int64_t)(int32_t)d->deadline_s * 1000;/
