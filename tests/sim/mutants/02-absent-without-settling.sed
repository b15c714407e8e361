# lease.c: "not found" after a lost create is believed at once.
s/if (in->asked_ms < settled_ms(d, rules, MIRD_STEP_INSTANCE)) {/if (false) {/
