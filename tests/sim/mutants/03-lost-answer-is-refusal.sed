# lease.c: an answer that was lost counts as "no".
s/if (in->step != MIRD_STEP_INSTANCE)$/if (true)/
