# lease_parts.h: a hook that failed is not asked for again.
s/return d->hooks_stale || (d->hooks_again_ms \&\& d->hooks_again_ms <= now_ms);/return d->hooks_stale;/
