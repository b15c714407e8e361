# lease_hooks.c: two hooks are enough, though a third comes at the old deadline.
s/found->armed >= MIR_HOOKS_LEAST \&\& !found->early;/found->armed >= MIR_HOOKS_LEAST;/
