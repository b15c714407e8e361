# lease_next.c: whatever the machine waits for comes before the deadline.
s/until_ms = min64(until_ms, d->retry_at_ms);/until_ms = d->retry_at_ms + 600000;/
