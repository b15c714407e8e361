# lease_hooks.c: a refusal is told before the hooks are back.
s/^    d->hooks_stale = d->hooks_moved != NOT_MOVED;$/    d->hooks_stale = false;/
