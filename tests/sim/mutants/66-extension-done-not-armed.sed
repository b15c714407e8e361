# lease_hooks.c: an extension is done while its hooks are still waited for.
/^static enum mird_weight too_few_hooks(/,/^}/s/^        try_later(d, rules, now_ms);$/        d->hooks_stale = false, try_later(d, rules, now_ms);/
