# turn.c: nor what the store has seen.
s/^    if (!newest_ms)$/    if (newest_ms)/
