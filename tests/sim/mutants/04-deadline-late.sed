# lease.c, lease_next.c: the deadline is noticed five minutes late.
s/now_ms >= d->deadline_s \* 1000)$/now_ms >= d->deadline_s * 1000 + 300000)/
s/int64_t deadline_ms = mird_deployment_due_s(d) \* 1000;/int64_t deadline_ms = mird_deployment_due_s(d) * 1000 + 300000;/
