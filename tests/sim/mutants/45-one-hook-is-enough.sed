# lease.c: one armed hook is enough where it costs money.
s/rules->paid \&\& armed < 2/rules->paid \&\& armed < 1/
