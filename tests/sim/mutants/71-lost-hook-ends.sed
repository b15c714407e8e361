# lease_hooks.c: what was granted is ended for a hook that it has lost.
s/return granted ? stand(d) : fail_for_good(/return fail_for_good(/
