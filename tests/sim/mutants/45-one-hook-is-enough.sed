# lease_hooks.c: one armed hook is enough where it costs money.
s/found->armed >= MIR_HOOKS_LEAST \&\& !/found->armed >= 1 \&\& !/
