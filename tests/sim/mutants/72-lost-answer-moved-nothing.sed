# lease_hooks.c: a request whose answer was lost has moved no hook.
s/^    else if (how != MIRD_IN_REFUSED)$/    else if (how == MIRD_IN_DONE)/
