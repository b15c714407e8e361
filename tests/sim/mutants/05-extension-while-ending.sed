# lease.c: an extension is taken when the teardown has begun.
s/if (is_ending(d) || now_ms >= d->deadline_s \* 1000) {/if (d->finished_s) {/
