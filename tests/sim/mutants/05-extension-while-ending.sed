# lease_hooks.c: an extension is taken when the teardown has begun.
/^int mird_lease_extend(/,/^}/s/if (is_ending(d) || now_ms >= mird_deployment_due_s(d) \* 1000)$/if (d->finished_s)/
