# lease_next.c: an intent that is found is simply done once more.
s/return act(maybe ? MIRD_ACT_LOOK : MIRD_ACT_BEGIN, step, 0);/return act(MIRD_ACT_BEGIN, step, 0 * maybe);/
