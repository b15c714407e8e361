# lease_hooks.c: an extension is refused, and the new deadline stays.
/^static enum mird_weight refuse(/,/^}/s/^    d->deadline_s = d->before_s;$/    ;/
