# turn.c: a settling time that is shorter than the provider says.
s/\.settle_ms = (int64_t)settle_s \* 1000,/.settle_ms = (int64_t)settle_s * 250,/
