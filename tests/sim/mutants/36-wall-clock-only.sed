# turn.c: deadlines follow a wall clock that was set back.
s/^    if (utc_ms < least_ms)$/    if (false)/
