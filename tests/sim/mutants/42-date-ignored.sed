# turn.c: what a provider says of the time is not taken over.
s/^    if (ahead_ms <= 0)$/    if (ahead_ms)/
