# lease.c: a restart moves the deadline.
/^static enum mird_weight restarted(/,/^}/s/^    d->absent_since_ms = 0;$/    d->absent_since_ms = 0, d->deadline_s++;/
