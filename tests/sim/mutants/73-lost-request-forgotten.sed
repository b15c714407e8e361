# lease_hooks.c: what a request has armed whose answer was lost is not there.
s/^    if (lost \&\& d->hooks_asked_s/    if (false \&\& d->hooks_asked_s/
