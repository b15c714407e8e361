# turn.c: no settling time.
s/\.settle_ms = (int64_t)settle_s \* 1000,/.settle_ms = settle_s - settle_s,/
