# lease.c: an upload without an answer was none.
/^static enum mird_weight step_unknown(/,/^}/s/d->last_put_ms = max64(d->last_put_ms, now_ms);/d->last_put_ms = 0;/
