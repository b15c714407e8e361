# lease.c: a restart forgets that it was ending.
s/^    tries_over(d);\n    d->absent_since_ms = 0;//
s/^static enum mird_weight restarted(/static enum mird_weight restarted(/
/^static enum mird_weight restarted(/,/^}/s/^    tries_over(d);$/    tries_over(d);\
    d->end_reason = MIRD_END_NONE;/
